# SPDX-License-Identifier: MIT
"""As much of ELF64 as our tools need: headers, sections and symbols, by struct."""

import struct
from dataclasses import dataclass

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
SHDR = struct.Struct("<IIQQQQIIQQ")
SYM = struct.Struct("<IBBHQQ")

PT_LOAD, PT_DYNAMIC = 1, 2
PF_X, PF_W = 1, 2
SHF_ALLOC, SHF_EXECINSTR = 2, 4
SHT_SYMTAB, SHT_NOBITS = 2, 8
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
EM_X86_64 = 62


class ElfError(Exception):
    """The file is not the ELF that it should be."""


@dataclass
class Segment:
    """A program header; `at` is its own place in the file."""
    at: int
    kind: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    def packed(self):
        """The header as bytes."""
        return PHDR.pack(self.kind, self.flags, self.offset, self.vaddr, self.paddr,
                         self.filesz, self.memsz, self.align)


@dataclass
class Section:
    """A section header; `at` is its own place in the file."""
    at: int
    name: str
    fields: list  # as SHDR: name, type, flags, addr, offset, size, link, info, align, entsize

    kind = property(lambda self: self.fields[1])
    flags = property(lambda self: self.fields[2])
    address = property(lambda self: self.fields[3])
    end = property(lambda self: self.address + self.size)
    offset = property(lambda self: self.fields[4])
    size = property(lambda self: self.fields[5])
    link = property(lambda self: self.fields[6])


@dataclass
class Symbol:
    """A symbol with the section that it lies in."""
    name: str
    kind: int
    section: int
    value: int
    size: int


class Elf:
    """A parsed ELF64 file over its bytes."""

    def __init__(self, data):
        self.data = data
        if len(data) < EHDR.size or data[:6] != b"\x7fELF\x02\x01":
            raise ElfError("not a little-endian ELF64 file")
        header = EHDR.unpack_from(data)
        if header[2] != EM_X86_64:
            raise ElfError("not an x86-64 file")
        _, _, _, _, self.entry, phoff, shoff, _, _, _, phnum, _, shnum, shstrndx = header
        try:
            self.segments = [Segment(at, *PHDR.unpack_from(data, at))
                             for at in range(phoff, phoff + phnum * PHDR.size, PHDR.size)]
            self.sections = self._sections(shoff, shnum, shstrndx)
        except struct.error:
            raise ElfError("truncated") from None

    def _sections(self, shoff, shnum, shstrndx):
        places = range(shoff, shoff + shnum * SHDR.size, SHDR.size)
        headers = [list(SHDR.unpack_from(self.data, at)) for at in places]
        names = headers[shstrndx][4] if headers else 0
        return [Section(at, self.string(names + fields[0]), fields)
                for at, fields in zip(places, headers)]

    def string(self, at):
        """The zero-terminated string at an offset in the file."""
        end = self.data.find(b"\0", at)
        if end < 0:
            raise ElfError("truncated")
        return self.data[at:end].decode()

    def loads(self):
        """The segments that are loaded, in the order of their addresses."""
        return sorted((s for s in self.segments if s.kind == PT_LOAD), key=lambda s: s.vaddr)

    def section(self, name):
        """The section of that name, or None."""
        return next((s for s in self.sections if s.name == name), None)

    def symbols(self):
        """All symbols of .symtab; none in a stripped file."""
        table = next((s for s in self.sections if s.kind == SHT_SYMTAB), None)
        if not table:
            return
        names = self.sections[table.link].offset
        for at in range(table.offset, table.offset + table.size, SYM.size):
            name, info, _, section, value, size = SYM.unpack_from(self.data, at)
            yield Symbol(self.string(names + name), info & 15, section, value, size)
