# SPDX-License-Identifier: MIT
"""From addresses of an ELF file to lines of its sources, by binutils' addr2line."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("x86_64-linux-gnu-addr2line", "addr2line")
PLACE = re.compile(r"^(.*):(\d+|\?)(?: \(discriminator \d+\))?$")


@dataclass
class Frame:
    """One function of those that were inlined into each other at an address."""
    function: str
    path: str  # as the compiler knew it; empty if the file has no line for the address
    line: int


def program():
    """The path of addr2line. OSError if there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not found:
        raise OSError("there is no addr2line: install binutils")
    return found


def frames(elf, addresses):
    """Maps each address to its frames, the innermost first. Raises OSError."""
    asked = "".join(f"{address:#x}\n" for address in dict.fromkeys(addresses))  # each once
    done = subprocess.run([program(), "-e", elf, "-a", "-f", "-i"], input=asked,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"addr2line: {done.stderr.strip() or done.returncode}")
    return parsed(done.stdout)


def parsed(output):
    """addr2line's output: the address, then two lines for each frame."""
    found = {}
    lines = iter(output.splitlines())
    for line in lines:
        if re.fullmatch(r"0x[0-9a-f]+", line):
            frames_here = found.setdefault(int(line, 16), [])
            continue
        place = PLACE.match(next(lines, ""))
        path = place[1] if place and not place[1].startswith("?") else ""
        number = int(place[2]) if path and place[2].isdigit() else 0
        frames_here.append(Frame(line, path, number))
    return found


def short(path):
    """How a source file is called in reports: from the repository's root on, or, in the C
    library, from its folder `libc`; elsewhere by its bare name."""
    path = os.path.normpath(path)
    if path.endswith(">"):  # <artificial>: made by the compiler
        return ""
    _, in_library, rest = path.rpartition("/newlib/libc/")
    if in_library:
        return f"libc/{rest}"
    inside = os.path.relpath(path, ROOT)
    return os.path.basename(path) if inside.startswith("..") else inside
