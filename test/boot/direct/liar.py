# SPDX-License-Identifier: MIT
"""A loader that says what a test wants: an image beside whose segments lie a few instructions
and a block of facts, true or not. QEMU enters those, as the image's PVH note says, and they enter
the image with the block."""

import struct

from exocore_cli import elf

AT = 0x800000  # of the instructions and the block, behind every image
BLOCK_AT = AT + 16
START_INFO_MAGIC = 0x336EC578
MULTIBOOT2_MAGIC = 0x36D76289
XEN_NOTE = struct.pack("<III4s", 4, 8, 18, b"Xen\0")
MULTIBOOT2_HEADER = struct.pack("<I", 0xE85250D6)
MULTIBOOT2_ENTRY_AT = 24  # in the header: behind its fields, a tag's head
ENTRIES_AT = 0x100  # in a start info's block: its memory map
LOW, ALL = (0, 0x9FC00, 1), (0x100000, 0xF00000, 1)  # a map that is enough


def with_block(kernel, entry, eax, block):
    """The ELF file `kernel`, entered at `entry` with `eax` and ebx = where `block` lies."""
    note = kernel.index(XEN_NOTE) + len(XEN_NOTE)
    code = struct.pack("<BIBIBi", 0xB8, eax, 0xBB, BLOCK_AT, 0xE9, entry - (AT + 15))
    blob = code.ljust(BLOCK_AT - AT, b"\0") + block
    headers = b"".join(segment.packed() for segment in elf.Elf(kernel).segments)
    place = len(kernel) + -len(kernel) % 4096
    headers += elf.PHDR.pack(elf.PT_LOAD, 5, place, AT, AT, len(blob), len(blob), 4096)
    out = bytearray(kernel.ljust(place, b"\0") + blob + bytes(-len(blob) % 8))
    fields = list(elf.EHDR.unpack_from(kernel))
    fields[5], fields[10] = len(out), len(headers) // elf.PHDR.size
    elf.EHDR.pack_into(out, 0, *fields)
    struct.pack_into("<Q", out, note, AT)
    return bytes(out) + headers


def by_pvh(kernel, entries=(LOW, ALL), *, magic=START_INFO_MAGIC, version=1, modules=0,
           modules_at=0, cmdline_at=0, rsdp=0, entries_at=None, count=None):
    """An image that is entered with this start info; `entries` are (base, bytes, type)."""
    packed = b"".join(struct.pack("<QQII", *entry, 0) for entry in entries)
    info = struct.pack("<IIIIQQQQII", magic, version, 0, modules, modules_at, cmdline_at, rsdp,
                       BLOCK_AT + ENTRIES_AT if entries_at is None else entries_at,
                       len(entries) if count is None else count, 0)
    entry, = struct.unpack_from("<Q", kernel, kernel.index(XEN_NOTE) + len(XEN_NOTE))
    return with_block(kernel, entry, 0, info.ljust(ENTRIES_AT, b"\0") + packed)


def tag(kind, body, size=None):
    """A Multiboot2 tag, whose size is a lie where one is given."""
    whole = struct.pack("<II", kind, 8 + len(body) if size is None else size) + body
    return whole.ljust(-(-len(whole) // 8) * 8, b"\0")


def map_tag(entries, entry_bytes=24):
    """The memory map's tag."""
    return tag(6, struct.pack("<II", entry_bytes, 0)
               + b"".join(struct.pack("<QQII", *entry, 0) for entry in entries))


END = tag(0, b"")


def by_multiboot2(kernel, *tags, magic=MULTIBOOT2_MAGIC, size=None):
    """An image that is entered with these tags."""
    body = b"".join(tags)
    head = struct.pack("<II", 8 + len(body) if size is None else size, 0)
    entry, = struct.unpack_from("<I", kernel,
                                kernel.index(MULTIBOOT2_HEADER) + MULTIBOOT2_ENTRY_AT)
    return with_block(kernel, entry, magic, head + body)
