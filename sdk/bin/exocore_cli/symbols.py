# SPDX-License-Identifier: MIT
"""Fills an image's table of function names, by which core prints a backtrace.

The linker script puts an empty table last, in a segment of its own. This program runs
after linking: it writes the full table behind all else in the file and points the
segment and the section there. No address changes, so nothing has to be linked again.

    u32 magic "SYM1", u32 count, u32 offset of the names, u32 bytes in all
    count times: u32 offset of the function from the image's base, u32 its size in bytes,
                 u32 offset of its name among the names; sorted by address
    names, zero-terminated
"""

import re
import struct
import sys
from pathlib import Path

from . import elf as elf_format

BASE = 0xFFFFFFFF80000000
MAGIC = 0x314D5953
HEADER = struct.Struct("<IIII")
ENTRY = struct.Struct("<III")
PAGE = 4096


def functions(elf):
    """Sorted (offset, size, name) of each function and each label of assembly code."""
    found = {}
    for symbol in elf.symbols():
        if symbol.kind not in (elf_format.STT_FUNC, elf_format.STT_NOTYPE):
            continue
        if not 0 < symbol.section < len(elf.sections) or not symbol.name:
            continue
        section = elf.sections[symbol.section]
        end = section.fields[3] + section.size
        if not section.flags & elf_format.SHF_EXECINSTR or symbol.value >= end:
            continue  # data, or one of the linker script's marks
        if symbol.kind == elf_format.STT_NOTYPE and is_no_function(symbol.name):
            continue
        name = re.sub(r"\.(lto_priv|constprop|isra|part)\.\d+", "", symbol.name)
        best = found.get(symbol.value)
        if not best or symbol.size > best[1]:  # of two names, the one that knows its size
            found[symbol.value] = (symbol.value - BASE, symbol.size, name)
    return with_sizes([found[value] for value in sorted(found)])


def is_no_function(label):
    """True for NASM's local labels (core_entry.halt) and the linker script's first mark."""
    return "." in label or label == "core_image_start"


def with_sizes(table):
    """Gives labels, which have no size, the room up to the next function."""
    following = [entry[0] for entry in table[1:]] + [None]
    return [(offset, size or (after - offset if after else 1), name)
            for (offset, size, name), after in zip(table, following)]


def packed(table):
    """The table as core reads it."""
    names = bytearray()
    places = {}
    for _, _, name in table:
        if name not in places:
            places[name] = len(names)
            names += name.encode() + b"\0"
    strings = HEADER.size + len(table) * ENTRY.size
    entries = b"".join(ENTRY.pack(offset, size, places[name]) for offset, size, name in table)
    header = HEADER.pack(MAGIC, len(table), strings, strings + len(names))
    return header + entries + bytes(names)


def fill(data):
    """Returns the ELF file `data` with its table filled. Filling again changes nothing else."""
    elf = elf_format.Elf(data)
    section = elf.section(".symbols")
    loads = elf.loads()
    if not section or not loads or loads[-1].vaddr != section.fields[3]:
        raise elf_format.ElfError("the last segment is not .symbols: not linked by kernel.ld")
    table = packed(functions(elf))
    out = bytearray(data)
    if len(table) <= section.size:
        at = section.offset
    else:
        out += bytes(-len(out) % PAGE)
        at = len(out)
        out += bytes(len(table))
    out[at:at + len(table)] = table
    segment = loads[-1]
    segment.offset, segment.filesz, segment.memsz = at, len(table), len(table)
    out[segment.at:segment.at + elf_format.PHDR.size] = segment.packed()
    section.fields[4:6] = at, len(table)
    out[section.at:section.at + elf_format.SHDR.size] = elf_format.SHDR.pack(*section.fields)
    return bytes(out)


def fill_file(path):
    """Fills the table of a file, in place and at once (no half-written file)."""
    path = Path(path)
    mode = path.stat().st_mode
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(fill(path.read_bytes()))
    fresh.chmod(mode)
    fresh.replace(path)


def main():
    """python3 -m exocore_cli.symbols FILE: the build's step after linking."""
    try:
        fill_file(sys.argv[1])
    except (elf_format.ElfError, OSError) as error:
        print(f"symbols: {sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
