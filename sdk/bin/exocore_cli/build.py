# SPDX-License-Identifier: MIT
"""Build trees: which there are, and bringing one up to date."""

import contextlib
import fcntl
import json
import os
import re
import subprocess
from pathlib import Path

from . import advice
from .report import UserError, must, say

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build"
LOGS = BUILD / "log"
TREES = ("host", "metal")  # all else is the tree of one app


def apps():
    """The apps by name: each folder of examples that says how to build itself."""
    return sorted(path.parent.name for path in (ROOT / "examples").glob("*/CMakeLists.txt"))


def check_app(name):
    """Ends the command if there is no such app."""
    if name not in apps():
        raise UserError(f"there is no app '{name}': the apps are {', '.join(apps())}", 2)


def configure_command(tree):
    """How CMake makes a tree; an app's tree builds that app alone."""
    if tree in TREES:
        return ["cmake", "--preset", tree]
    return ["cmake", "-S", ROOT, "-B", BUILD / tree, "-G", "Ninja",
            "--toolchain", ROOT / "toolchain-x86_64.cmake", f"-DEXO_APPS={tree}"]


def environment():
    """CMake's environment: it runs at the root, and the paths in ours are from elsewhere."""
    paths = {name: os.path.abspath(os.environ[name])
             for name in ("EXOCORE_PICOLIBC_TARBALL", "EXOCORE_CACHE") if os.environ.get(name)}
    return {**os.environ, **paths}


@contextlib.contextmanager
def locked(tree):
    """One command at a time works in a tree; a second waits for it."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / f"{tree}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{tree}: waiting for another exocore that builds it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def usable(tree):
    """True if the tree was configured here. A copied or moved one was not, and one whose
    C library is gone (a cleared cache) has to look for it again."""
    directory = BUILD / tree
    try:
        home = f"CMAKE_HOME_DIRECTORY:INTERNAL={ROOT}\n"
        cache = (directory / "CMakeCache.txt").read_text(encoding="utf-8")
        libc = directory / "libc.txt"
        there = not libc.exists() or os.path.exists(libc.read_text(encoding="utf-8").strip())
        return home in cache and (directory / "build.ninja").exists() and there
    except OSError:
        return False


def configure(tree):
    """Makes the tree if there is none, and anew if what describes it has changed."""
    with locked(tree):
        command = ["cmake", "--build", BUILD / tree, "--target", "build.ninja"]
        if not usable(tree):
            (BUILD / tree / "CMakeCache.txt").unlink(missing_ok=True)
            command = configure_command(tree)
        must(f"configure {tree}", command, LOGS / f"{tree}-configure.log", advice.of,
             environment(), ROOT)


def made(tree):
    """What can be built in a configured tree, by name: files, and <folder>/all."""
    listing = subprocess.run(["ninja", "-C", BUILD / tree, "-t", "targets", "all"],
                             capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        raise UserError(f"ninja cannot read {BUILD / tree}: {listing.stderr or listing.stdout}")
    return {line.rpartition(": ")[0] for line in listing.stdout.splitlines()}


def bring_up_to_date(tree, targets=("all",)):
    """Configures the tree if it is new and builds what has changed of the targets."""
    if not usable(tree):
        configure(tree)
    with locked(tree):
        must(f"build {tree}", ["cmake", "--build", BUILD / tree, "--target", *targets],
             LOGS / f"{tree}-build.log", advice.of, environment(), ROOT)
    if tree not in TREES and manifest(tree) is None:
        raise UserError(f"examples/{tree}/CMakeLists.txt builds no app '{tree}': an app has its "
                        f"folder's name, exo_app({tree} SOURCES …)")


def manifest(app):
    """What the build wrote about an app, or None before its first build."""
    try:
        return json.loads((BUILD / app / f"{app}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"{BUILD / app / app}.json is damaged ({error}): remove it and run "
                        "again") from None


def ports(app):
    """The ports that an app serves: by its manifest, or before its first build by the PORTS
    in its CMakeLists.txt."""
    built = manifest(app)
    if built is not None:
        return built["ports"]
    text = (ROOT / "examples" / app / "CMakeLists.txt").read_text(encoding="utf-8")
    words = re.search(r"\bPORTS((?:\s+\d+:\d+(?:/udp)?)+)", text)
    return words[1].split() if words else []
