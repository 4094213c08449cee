#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares core/primitives.def with what core's objects export: one line a call, no more.

A call is a global function core_* that a header in core/ declares and a source in core/
defines. Nothing may be exported without a line, and no line may stand for nothing.
"""
import re
import tempfile

from purity import compile_all, symbols
from tree import run, strip_comments

DEF = "core/primitives.def"
FLAGS = ["-ffreestanding", "-fpie", "-mgeneral-regs-only"]
DECLARATION = re.compile(r"^[^#\n]*?\b(core_\w+)[ \t]*\(", re.M)


def listed(text):
    """name → line number of each call in primitives.def."""
    calls = {}
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        match = re.search(r"\bcore_\w+", re.sub(r"^\s*#.*", "", line))
        if match:
            calls.setdefault(match.group(0), number)
    return calls


def declared(tree):
    names = set()
    for path in tree.files(".h", under="core"):
        names |= set(DECLARATION.findall(strip_comments(tree.text(path))))
    return names


def defined(tree, archive):
    """The global functions core_* of core's archive, or of its sources compiled here."""
    if archive:
        found = symbols(archive)
        return {name for name, kind in found if kind == "T" and name.startswith("core_")}
    with tempfile.TemporaryDirectory() as scratch:
        sources = tree.files(".c", under="core")
        objects = compile_all(tree.root, sources, scratch, FLAGS).values()
        return {name for obj in objects for name, kind in symbols(obj)
                if kind == "T" and name.startswith("core_")}


def check(tree, args=None):
    if not (tree.root / DEF).is_file():
        return [f"{DEF} is missing"]
    calls = listed(tree.text(DEF))
    real = defined(tree, getattr(args, "archive", None)) & declared(tree)
    problems = [f"{DEF}:{calls[name]}: {name} is no exported function of core"
                for name in sorted(calls.keys() - real)]
    problems += [f"{DEF}: {name} is exported by core and has no line here"
                 for name in sorted(real - calls.keys())]
    return problems


if __name__ == "__main__":
    run(check, __doc__, (["--archive"], {"help": "core's library from a metal tree"}))
