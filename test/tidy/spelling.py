#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small rules of style.md that a machine can see: licence line, columns, tabs, leftovers, links."""
import posixpath
import re

from tree import run

COLUMNS = 100
SOURCES = (".c", ".h", ".asm", ".inc", ".def", ".ld", ".py", ".cmake", "CMakeLists.txt")
PROSE = (".md",)
C_LIKE = (".c", ".h", ".asm", ".inc")
SPDX = "SPDX-License-Identifier: MIT"

# Each with the reason that is printed. The brackets keep this table from finding itself.
LEFTOVERS = [
    (r"\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b", "finish it, or say it in docs/caveats.md"),
    (r"(?<![\w.])/(?:hom[e]|roo[t]|wor[k])/\w", "a path on one person's machine"),
    (r"\b[Ss]essio[n]s?\b", "TCP has connections (RFC 9293), tests have runs"),
]


def check_lines(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        if len(line) > COLUMNS and not path.endswith(PROSE):
            yield f"{where}: {len(line)} columns, at most {COLUMNS}"
        if line != line.rstrip():
            yield f"{where}: white space at the end of the line"
        if "\t" in line and path.endswith(C_LIKE):
            yield f"{where}: a tab"
        for pattern, reason in LEFTOVERS:
            match = re.search(pattern, line)
            if match:
                yield f"{where}: {match.group(0)}: {reason}"


LINK = re.compile(r"\]\(([^)#\s]+)")


def check_links(tree, path, text):
    """Links of prose into the repository that lead nowhere."""
    for number, line in enumerate(text.split("\n"), 1):
        for target in LINK.findall(line):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if ":" not in target and not (tree.root / place).exists():
                yield f"{path}:{number}: {target}: a link to nowhere"


def check_file(path, text):
    if path.endswith(SOURCES) and SPDX not in "".join(text.splitlines(True)[:2]):
        yield f"{path}:1: no line '{SPDX}' at the top"
    if text and not text.endswith("\n"):
        yield f"{path}: no newline at the end"
    yield from check_lines(path, text)


def check(tree, _args=None):
    problems = []
    for path in tree.files(*SOURCES, *PROSE):
        problems.extend(check_file(path, tree.text(path)))
    for path in tree.files(*PROSE):
        problems.extend(check_links(tree, path, tree.text(path)))
    return problems


if __name__ == "__main__":
    run(check, __doc__)
