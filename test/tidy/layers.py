#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every #include against the table of layers: an arrow that it lacks is an error.

    a layer      sees the vocabulary (exo/), itself, and its SEES
    vocabulary   sees itself; so the bottom floor needs nothing
    an example   sees sdk, its own folder, the layers of its USES, and what those see
    test, bench  are free: they look at everything

<system> headers have lists too: PURE layers get those that are types, limits and mem*.
"""
import re

from tree import run, strip_comments

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)
FREE_ROOMS = {"test", "bench"}
VOCABULARY = "sdk/include/exo/"

FREESTANDING = {"limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
                "stdnoreturn.h", "string.h"}
COMPILER = {"cpuid.h", "immintrin.h", "x86intrin.h"}
LIBC = FREESTANDING | {"assert.h", "ctype.h", "errno.h", "inttypes.h", "stdio.h", "stdlib.h"}
SYSTEM = {"hal": LIBC | COMPILER, "core": LIBC, "dev": FREESTANDING}
ANY_SYSTEM = {"sdk", "examples"}


def includes(text):
    """(line, path, is_system) of each #include in C text."""
    text = strip_comments(text)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match.group(1) or match.group(2), match.group(1) is None


def room_of(tree, path):
    """The room that a file of the tree is in: a layer's name, or a folder's."""
    if path.startswith(VOCABULARY):
        return "exo"
    layer = tree.layer_of(path)
    return layer.name if layer else path.split("/")[0]


def resolve(tree, path, own_folder=None):
    """The file of the tree that an #include names, or None."""
    for base in ("", "sdk/include/") + ((own_folder,) if own_folder else ()):
        if (tree.root / (base + path)).is_file():
            return base + path
    return None


def uses_of(tree, path):
    """The layers that the example around `path` names after USES in its CMakeLists.txt."""
    folder = path.rsplit("/", 1)[0]
    while folder:
        listing = tree.root / folder / "CMakeLists.txt"
        if listing.is_file():
            words = re.sub(r"#[^\n]*", "", listing.read_text(encoding="utf-8"))
            uses = set()
            for match in re.finditer(r"\bUSES\b([^)]*)", words):
                for word in match.group(1).split():
                    if word.isupper():
                        break
                    uses.add(word)
            return uses
        folder = folder.rpartition("/")[0]
    return set()


def visible_from(tree, path, room):
    """The rooms that a file in `room` may include from."""
    if room == "exo":
        return {"exo"}
    if room == "examples":
        uses = uses_of(tree, path)
        return {"exo", "sdk"}.union(uses, *(tree.layers[u].sees for u in uses
                                            if u in tree.layers))
    if room in tree.layers:
        return {"exo", room} | tree.layers[room].sees
    return set()


def is_libc(found):
    """A header of the C library, or one that sdk/include adds to it (sys/, netdb.h)."""
    return found is None or \
        found.startswith("sdk/include/") and not found.startswith(VOCABULARY)


def system_allowed(room, header):
    if room in ANY_SYSTEM:
        return True
    return header in SYSTEM.get(room, FREESTANDING)


def check_file(tree, path):
    room = room_of(tree, path)
    if room in FREE_ROOMS:
        return
    visible = visible_from(tree, path, room)
    # An app is written like one outside the tree: its own files need no room in front.
    own_folder = path.rpartition("/")[0] + "/" if room == "examples" else None
    for line, header, is_system in includes(tree.text(path)):
        where = f"{path}:{line}"
        found = resolve(tree, header, None if is_system else own_folder)
        if is_system and is_libc(found):
            if not system_allowed(room, header):
                yield f"{where}: {room} may not include <{header}>"
            continue
        if found is None:
            yield f'{where}: "{header}" names no file from the root: write the room in front'
            continue
        target = room_of(tree, found)
        same_example = room == target == "examples" and \
            found.split("/")[1] == path.split("/")[1]
        if target not in visible and not same_example:
            yield f'{where}: "{header}": {room} does not see {target}' \
                  f" (it sees {', '.join(sorted(visible))})"


def check(tree, _args=None):
    problems = []
    for path in tree.files(".c", ".h"):
        problems.extend(check_file(tree, path))
    return problems


if __name__ == "__main__":
    run(check, __doc__)
