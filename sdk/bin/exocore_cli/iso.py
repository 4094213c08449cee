# SPDX-License-Identifier: MIT
"""What makes a raw image a CD as well: ISO 9660 and El Torito in bytes 32768 … 49151, which
hard disks do not look at.

A BIOS starts a copy of the boot sector, UEFI the EFI system partition; from there both go
the way they go on a disk. On a USB stick the image is what it is without this: a disk.
"""

import struct

SECTOR = 2048
DESCRIPTORS_AT = 16  # the standard's place; all LBAs below are in CD sectors
CATALOG, PATHS_L, PATHS_M, ROOT, BOOT = 19, 20, 21, 22, 23
END = BOOT + 1
BOOT_SECTORS = 4  # of 512 bytes, to 0x7c00
PLATFORM_X86, PLATFORM_EFI = 0, 0xEF


def _both(fmt, value):
    """A number in both byte orders, as ISO 9660 §7.2.3 and §7.3.3 say."""
    return struct.pack("<" + fmt, value) + struct.pack(">" + fmt, value)


def _record(name, lba, size, is_folder):
    """A directory record (§9.1), without a date."""
    body = (b"\0" + _both("I", lba) + _both("I", size) + bytes(7)
            + bytes([2 if is_folder else 0, 0, 0]) + _both("H", 1) + bytes([len(name)]) + name)
    body += bytes((len(body) + 1) % 2)
    return bytes([len(body) + 1]) + body


def _descriptor(kind, body):
    return (bytes([kind]) + b"CD001\x01" + body).ljust(SECTOR, b"\0")


def _primary(sectors):
    """The primary volume descriptor (§8.4)."""
    text = b"EXOCORE".ljust(32)
    body = b"\0" + bytes([32]) * 32 + text + bytes(8) + _both("I", sectors) + bytes(32)
    body += _both("H", 1) + _both("H", 1) + _both("H", SECTOR) + _both("I", 10)
    body += struct.pack("<II", PATHS_L, 0) + struct.pack(">II", PATHS_M, 0)
    body += _record(b"\0", ROOT, SECTOR, True)
    body += b" " * (4 * 128 + 3 * 37)
    body += (b"0" * 16 + b"\0") * 4 + b"\x01\0"
    return _descriptor(1, body)


def _catalog(esp_lba, esp_sectors):
    """El Torito's boot catalog (§2.0): BIOS first, then a section for UEFI."""
    validation = bytearray(struct.pack("<BBH24sH2s", 1, PLATFORM_X86, 0, b"exocore", 0,
                                       b"\x55\xaa"))
    struct.pack_into("<H", validation, 28, -sum(struct.unpack("<16H", validation)) & 0xFFFF)
    bios = struct.pack("<BBHBBHI", 0x88, 0, 0, 0, 0, BOOT_SECTORS, BOOT)
    section = struct.pack("<BBH28s", 0x91, PLATFORM_EFI, 1, b"exocore")
    efi = struct.pack("<BBHBBHI", 0x88, 0, 0, 0, 0, min(esp_sectors, 0xFFFF), esp_lba)
    return bytes(validation) + bios.ljust(32, b"\0") + section + efi.ljust(32, b"\0")


def overlay(disk_bytes, boot_sector, esp_at, esp_bytes):
    """(offset, bytes) of everything that lies in this area."""
    root = _record(b"\0", ROOT, SECTOR, True) + _record(b"\x01", ROOT, SECTOR, True)
    root += _record(b"ESP.IMG;1", esp_at // SECTOR, esp_bytes, False)
    boot_record = _descriptor(0, b"EL TORITO SPECIFICATION".ljust(64, b"\0")
                              + struct.pack("<I", CATALOG))
    sectors = {
        DESCRIPTORS_AT: _primary(disk_bytes // SECTOR),
        DESCRIPTORS_AT + 1: boot_record,
        DESCRIPTORS_AT + 2: _descriptor(255, b""),
        CATALOG: _catalog(esp_at // SECTOR, esp_bytes // 512),
        PATHS_L: struct.pack("<BBIHBB", 1, 0, ROOT, 1, 0, 0),
        PATHS_M: struct.pack(">BBIHBB", 1, 0, ROOT, 1, 0, 0),
        ROOT: root,
        BOOT: boot_sector,
    }
    for lba, content in sectors.items():
        yield lba * SECTOR, content.ljust(SECTOR, b"\0")
