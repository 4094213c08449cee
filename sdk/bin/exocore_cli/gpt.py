# SPDX-License-Identifier: MIT
"""Partition tables of an image: the protective MBR and the GPT (UEFI 2.10 §5.2, §5.3).

The GPT counts in the disk's own sectors, and a raw image does not know on which disk it will
lie: so it carries two, one in 512-byte and one in 4096-byte sectors, that say the same.
"""

import struct
import uuid
import zlib
from dataclasses import dataclass

HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
ENTRY = struct.Struct("<16s16sQQQ72s")
ENTRY_COUNT = 16  # few, for a loader reads and sums them all
ENTRIES_BYTES = 16384  # that UEFI wants kept free for them
SIGNATURE = b"EFI PART"
REVISION = 0x10000

TABLE_AT = {512: 16384, 4096: 49152}  # where each GPT's entries lie, by its sector size
FIRST_USABLE = 65536  # behind both
END_BYTES = 4096 + 2 * ENTRIES_BYTES  # the copies at the end of the disk

BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
SLOT = uuid.UUID("45584f43-4f52-4500-8001-534c4f540001")

CHS_FIRST, CHS_LAST = b"\0\x02\0", b"\xff\xff\xff"
PROTECTIVE = 0xEE


@dataclass
class Partition:
    """A partition in bytes, so that it means the same in every sector size."""
    kind: uuid.UUID
    guid: uuid.UUID
    name: str
    offset: int
    bytes: int


def protective_mbr(stage1, signature, disk_bytes):
    """LBA 0. The active entry covers this sector alone: a BIOS may ask for one, and UEFI
    wants the protective entry itself inactive."""
    sectors = min(disk_bytes // 512 - 1, 0xFFFFFFFF)
    table = struct.pack("<B3sB3sII", 0, CHS_FIRST, PROTECTIVE, CHS_LAST, 1, sectors)
    table += struct.pack("<B3sB3sII", 0x80, b"\0\x01\0", 0, b"\0\x01\0", 0, 1)
    return (stage1.ljust(440, b"\0") + struct.pack("<IH", signature, 0)
            + table.ljust(64, b"\0") + b"\x55\xaa")


def _entries(partitions, sector):
    entries = b"".join(
        ENTRY.pack(p.kind.bytes_le, p.guid.bytes_le, p.offset // sector,
                   (p.offset + p.bytes) // sector - 1, 0, p.name.encode("utf-16-le"))
        for p in partitions)
    return entries.ljust(ENTRY_COUNT * ENTRY.size, b"\0")


def _header(sector, disk_bytes, disk_guid, entries, at, other, entries_at):
    fields = [SIGNATURE, REVISION, HEADER.size, 0, 0, at // sector, other // sector,
              FIRST_USABLE // sector, (disk_bytes - END_BYTES) // sector - 1,
              disk_guid.bytes_le, entries_at // sector, ENTRY_COUNT, ENTRY.size,
              zlib.crc32(entries)]
    fields[3] = zlib.crc32(HEADER.pack(*fields))
    return HEADER.pack(*fields)


def tables(disk_bytes, disk_guid, partitions):
    """(offset, bytes) of both GPTs and their copies. The copies' headers share the last
    4096 bytes: the larger one begins them, the smaller one is their last 512."""
    for sector, copy_at in (512, disk_bytes - END_BYTES), (4096, disk_bytes - 4096 - ENTRIES_BYTES):
        entries = _entries(partitions, sector)
        first, last = sector, disk_bytes - sector
        for at, other, entries_at in (first, last, TABLE_AT[sector]), (last, first, copy_at):
            yield at, _header(sector, disk_bytes, disk_guid, entries, at, other, entries_at)
            yield entries_at, entries


class GptError(ValueError):
    """There is no sound partition table."""


def _read(file, disk_bytes, sector, at):
    file.seek(at)
    raw = file.read(HEADER.size)
    if len(raw) < HEADER.size or raw[:8] != SIGNATURE:
        raise GptError("no partition table (GPT)")
    fields = list(HEADER.unpack(raw))
    crc, fields[3] = fields[3], 0
    if zlib.crc32(HEADER.pack(*fields)) != crc or fields[2] != HEADER.size \
            or fields[12] != ENTRY.size or fields[11] > 1024 or fields[5] * sector != at \
            or fields[10] * sector >= disk_bytes:
        raise GptError("a damaged partition table (GPT)")
    file.seek(fields[10] * sector)
    entries = file.read(fields[11] * ENTRY.size)
    if zlib.crc32(entries) != fields[13]:
        raise GptError("a damaged partition table (GPT)")
    found = []
    for kind, guid, first, last, _, name in ENTRY.iter_unpack(entries):
        if kind != bytes(16) and first <= last and (last + 1) * sector <= disk_bytes:
            found.append(Partition(uuid.UUID(bytes_le=kind), uuid.UUID(bytes_le=guid),
                                   name.decode("utf-16-le", "replace").rstrip("\0"), first * sector,
                                   (last - first + 1) * sector))
    return uuid.UUID(bytes_le=fields[9]), found


def read(file, disk_bytes, sector=512):
    """(disk GUID, partitions) from the first sound table of the two; GptError if none is."""
    if disk_bytes < 2 * sector:
        raise GptError("too short for a partition table (GPT)")
    try:
        return _read(file, disk_bytes, sector, sector)
    except GptError:
        return _read(file, disk_bytes, sector, disk_bytes // sector * sector - sector)
