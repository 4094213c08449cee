# SPDX-License-Identifier: MIT
"""exocore test: everything that shows that exocore works, or a part of it by ctest's filters."""

import json
import os
import re
import shlex
import subprocess

from . import build, packages
from .report import UserError, say


def run(args):
    """Builds what the chosen tests need and runs them; the exit status tells if all passed."""
    packages.ensure("test", build.LOGS)
    chosen = {}
    for tree in build.TREES:
        build.configure(tree)
        if tests := listed(tree, args.filters):
            chosen[tree] = needs(tree, tests)
    if not chosen:
        raise UserError(f"no test matches {shlex.join(args.filters)}: ctest -N --test-dir "
                        f"{build.BUILD / build.TREES[0]} (and {build.TREES[1]}) lists them", 2)
    for tree, targets in chosen.items():
        if targets:
            build.bring_up_to_date(tree, targets)
    failed = [tree for tree in chosen if ctest(tree, args.filters)]
    if failed:
        raise UserError(f"tests failed in {' and '.join(failed)}: see above, or "
                        + " and ".join(f"{build.BUILD / tree}/Testing/Temporary/LastTest.log"
                                       for tree in failed))
    return 0


def listed(tree, filters):
    """The tests of a tree that the filters leave, as ctest describes them. One of which
    nothing is known stands for whatever an option does that gives no list."""
    command = ["ctest", "--test-dir", build.BUILD / tree, "--show-only=json-v1", *filters]
    listing = subprocess.run(command, capture_output=True, text=True, check=False, cwd=build.ROOT)
    try:
        return json.loads(listing.stdout)["tests"] if listing.returncode == 0 else [{}]
    except ValueError:  # an option such as --help
        return [{}]


def needs(tree, tests):
    """What to build in a tree for these tests: the files that their commands and environments
    name, and all that is made in the folders that they name. ctest tells no command of a
    program that was never built: it may be anything."""
    root, made = build.BUILD / tree, build.made(tree)
    words = [word for test in tests
             for word in [*test.get("command", [str(root)]), *environment(test)]]
    places = re.findall(rf"{re.escape(str(root))}(?![\w-])/?([\w./+-]*)", "\n".join(words))
    return sorted(made & {*places, *(f"{place}/all".lstrip("/") for place in places)})


def environment(test):
    """Its NAME=value words, of a test in ctest's list."""
    properties = {each["name"]: each["value"] for each in test.get("properties", [])}
    return properties.get("ENVIRONMENT", [])


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
