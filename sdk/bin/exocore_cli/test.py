# SPDX-License-Identifier: MIT
"""exocore test: everything that shows that exocore works, or a part of it by ctest's filters."""

import json
import os
import shlex
import subprocess

from . import build, packages
from .report import UserError, say


def run(args):
    """Builds both trees and runs ctest in each; the exit status tells if all passed."""
    packages.ensure("test", build.LOGS)
    for tree in build.TREES:
        build.bring_up_to_date(tree)
    chosen = [tree for tree in build.TREES if selects(tree, args.filters)]
    if not chosen:
        raise UserError(f"no test matches {shlex.join(args.filters)}: ctest -N --test-dir "
                        f"{build.BUILD / build.TREES[0]} (and {build.TREES[1]}) lists them", 2)
    failed = [tree for tree in chosen if ctest(tree, args.filters)]
    if failed:
        raise UserError(f"tests failed in {' and '.join(failed)}: see above, or "
                        + " and ".join(f"{build.BUILD / tree}/Testing/Temporary/LastTest.log"
                                       for tree in failed))
    return 0


def selects(tree, filters):
    """True if the filters leave tests in a tree, or ctest has to say why they do not parse."""
    command = ["ctest", "--test-dir", build.BUILD / tree, "--show-only=json-v1", *filters]
    listing = subprocess.run(command, capture_output=True, text=True, check=False, cwd=build.ROOT)
    try:
        return listing.returncode != 0 or json.loads(listing.stdout)["tests"] != []
    except ValueError:  # an option such as --help: what it prints is not the list
        return True


def ctest(tree, filters):
    """Runs a tree's tests with ctest's own output on the terminal. Returns its exit code."""
    say(f"test {tree}")
    env = dict(os.environ, PATH=os.environ.get("PATH", "") + packages.SBIN,
               CTEST_PARALLEL_LEVEL=os.environ.get("CTEST_PARALLEL_LEVEL",
                                                   str(os.cpu_count() or 1)))
    command = ["ctest", "--test-dir", build.BUILD / tree, "--output-on-failure", *filters]
    process = subprocess.Popen(command, env=env, cwd=build.ROOT)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()  # ctest got the interrupt too, and ends its tests
        raise
