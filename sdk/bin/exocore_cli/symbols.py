# SPDX-License-Identifier: MIT
"""Fills an image's table of names, by which core says what an address is: in a backtrace, and
in the report of a page fault.

The linker script puts an empty table last, in a segment of its own. This program runs
after linking: it writes the full table behind all else in the file and points the
segment and the section there. No address changes, so nothing has to be linked again.

    u32 magic "SYM2", u32 count, u32 offset of the strings, u32 bytes in all
    count times: u32 offset of the symbol from the image's base, u32 its size in bytes,
                 u32 offset of its name among the strings, u32 the same of its source file,
                 which is empty for variables; sorted by address
    strings, zero-terminated
"""

import re
import struct
import sys
from pathlib import Path

from . import elf as elf_format
from . import lines

BASE = 0xFFFFFFFF80000000
MAGIC = 0x324D5953
HEADER = struct.Struct("<IIII")
ENTRY = struct.Struct("<IIII")
PAGE = 4096


def symbols(elf):
    """Sorted (offset, size, name) of each function, each label of assembly code and each
    variable."""
    found = {}
    for symbol in elf.symbols():
        if not is_kept(elf, symbol):
            continue
        name = re.sub(r"\.(lto_priv|constprop|isra|part)\.\d+", "", symbol.name)
        best = found.get(symbol.value)
        if not best or symbol.size > best[1]:  # of two names, the one that knows its size
            found[symbol.value] = (symbol.value - BASE, symbol.size, name)
    return with_sizes(without_families([found[value] for value in sorted(found)]))


def is_kept(elf, symbol):
    """False for the linker script's marks, NASM's local labels (core_entry.halt), files …"""
    if not 0 < symbol.section < len(elf.sections) or not symbol.name:
        return False
    section = elf.sections[symbol.section]
    is_code = section.flags & elf_format.SHF_EXECINSTR
    if not section.flags & elf_format.SHF_ALLOC or symbol.value >= section.end:
        return False
    if symbol.kind == elf_format.STT_NOTYPE:
        return is_code and "." not in symbol.name and symbol.name != "core_image_start"
    if symbol.kind == elf_format.STT_OBJECT:
        return not is_code and symbol.size > 0
    return symbol.kind == elf_format.STT_FUNC


def without_families(table):
    """Of labels that a macro numbered (line_0, line_1, …), the first one, as line_N."""
    kept = []
    for offset, size, name in table:
        family = re.sub(r"_\d+$", "_N", name) if size == 0 else name
        if family == name or not kept or kept[-1][2] != family:
            kept.append((offset, size, family))
    return kept


def with_sizes(table):
    """Gives labels, which have no size, the room up to the next symbol."""
    following = [entry[0] for entry in table[1:]] + [None]
    return [(offset, size or (after - offset if after else 1), name)
            for (offset, size, name), after in zip(table, following)]


def source_files(path, elf):
    """The source file of each function, by the function's offset."""
    starts = [BASE + offset for offset, _, _ in symbols(elf)]
    code = [section for section in elf.sections if section.flags & elf_format.SHF_EXECINSTR]
    starts = [at for at in starts if any(s.address <= at < s.end for s in code)]
    # The outermost frame: a function may begin with what was inlined into it.
    return {at - BASE: lines.short(frames[-1].path)
            for at, frames in lines.frames(path, starts).items() if frames[-1].path}


class Strings:
    """Zero-terminated strings, each kept once; the empty one is at 0."""

    def __init__(self):
        self.data = bytearray(1)
        self.places = {"": 0}

    def add(self, text):
        """Where the string lies."""
        if text not in self.places:
            self.places[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return self.places[text]


def packed(table, files):
    """The table as core reads it."""
    strings = Strings()
    entries = b"".join(ENTRY.pack(offset, size, strings.add(name),
                                  strings.add(files.get(offset, "")))
                       for offset, size, name in table)
    at = HEADER.size + len(entries)
    return HEADER.pack(MAGIC, len(table), at, at + len(strings.data)) + entries + strings.data


def fill(data, files=None):
    """Returns the ELF file `data` with its table filled. Filling again changes nothing else.
    `files` are the functions' source files by their offsets."""
    elf = elf_format.Elf(data)
    section = elf.section(".symbols")
    loads = elf.loads()
    if not section or not loads or loads[-1].vaddr != section.address:
        raise elf_format.ElfError("the last segment is not .symbols: not linked by kernel.ld")
    table = packed(symbols(elf), files or {})
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
    data = path.read_bytes()
    fresh.write_bytes(fill(data, source_files(path, elf_format.Elf(data))))
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
