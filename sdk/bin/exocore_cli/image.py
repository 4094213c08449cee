# SPDX-License-Identifier: MIT
"""Disk images for the BIOS road: docs/handoff.md, "The image on disk".

    LBA 0        stage 1, the disk signature and the partition table
    LBA 1..63    stage 2; its header says where the kernel is; the command line at 0x7a00
    LBA 64..     the kernel, an ELF64 file reduced to what is loaded
"""
import argparse
import pathlib
import struct
import sys
import zlib

SECTOR = 512
STAGE1_MAX = 440  # the disk signature and the partition table follow
STAGE2_LBA = 1
STAGE2_SECTORS = 63
CMDLINE_OFFSET = 0x7A00  # in the stage 2 area; stage 2 itself ends before
CMDLINE_BYTES = 1024  # with its terminating zero
KERNEL_LBA = STAGE2_LBA + STAGE2_SECTORS
BOOT_HEADER_OFFSET = 16
BOOT_MAGIC = b"EXOBOOT1"

# A BIOS reads LBA 0 by cylinder, head and sector, and SeaBIOS on AHCI refuses a disk with
# less than one whole cylinder of its geometry (16 heads, 63 sectors). We read the rest by
# LBA, so that behind the first cylinder the size need only suit direct I/O (4 KiB sectors).
IMAGE_MIN = 16 * 63 * SECTOR
IMAGE_ALIGN = 4096

PARTITION_TYPE = 0xDA  # "non-file-system data": tools leave it alone
CHS_USE_LBA = b"\xfe\xff\xff"

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
PT_LOAD = 1
ELFCLASS64, ELFDATA2LSB, EM_X86_64 = 2, 1, 62


def _round_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def strip_elf(elf: bytes) -> bytes:
    """The ELF file reduced to its header, its PT_LOAD headers and their bytes.

    Symbols, debug information and section headers go; addresses and sizes stay. Offsets
    in the file are no longer congruent to addresses, which only a mapping loader needs.
    """
    if len(elf) < EHDR.size or elf[:4] != b"\x7fELF":
        raise ValueError("kernel: not an ELF file")
    ehdr = EHDR.unpack_from(elf)
    ident, machine, phoff, phentsize, phnum = ehdr[0], ehdr[2], ehdr[5], ehdr[9], ehdr[10]
    if ident[4] != ELFCLASS64 or ident[5] != ELFDATA2LSB or machine != EM_X86_64:
        raise ValueError("kernel: not an ELF64 file for x86-64")
    if phentsize != PHDR.size or phoff + phnum * PHDR.size > len(elf):
        raise ValueError("kernel: damaged program headers")

    headers = [PHDR.unpack_from(elf, phoff + i * PHDR.size) for i in range(phnum)]
    loads = [h for h in headers if h[0] == PT_LOAD and h[6] > 0]
    if not loads:
        raise ValueError("kernel: no segment to load")

    out = bytearray(EHDR.size + len(loads) * PHDR.size)
    EHDR.pack_into(out, 0, *ehdr[:5], EHDR.size, 0, *ehdr[7:9], PHDR.size, len(loads), 0, 0, 0)
    for i, (kind, flags, offset, vaddr, paddr, filesz, memsz, align) in enumerate(loads):
        if offset + filesz > len(elf):
            raise ValueError("kernel: a segment reaches beyond the file")
        out += bytes(-len(out) % 8)  # the loader copies eight bytes at a time
        PHDR.pack_into(out, EHDR.size + i * PHDR.size,
                       kind, flags, len(out), vaddr, paddr, filesz, memsz, align)
        out += elf[offset:offset + filesz]
    return bytes(out)


def _boot_sector(stage1: bytes, kernel_sectors: int, signature: int) -> bytes:
    """Stage 1 with a partition table: some BIOSes boot only a disk with an active entry."""
    if len(stage1) > STAGE1_MAX:
        raise ValueError(f"stage 1 has {len(stage1)} bytes, and {STAGE1_MAX} fit")
    entry = struct.pack("<B3sB3sII", 0x80, CHS_USE_LBA, PARTITION_TYPE, CHS_USE_LBA,
                        KERNEL_LBA, kernel_sectors)
    return (stage1.ljust(STAGE1_MAX, b"\0") + struct.pack("<IH", signature, 0)
            + entry.ljust(64, b"\0") + b"\x55\xaa")


def _stage2_area(stage2: bytes, kernel_bytes: int, cmdline: bytes) -> bytes:
    if len(stage2) > CMDLINE_OFFSET:
        raise ValueError(f"stage 2 has {len(stage2)} bytes, and {CMDLINE_OFFSET} fit")
    if stage2[BOOT_HEADER_OFFSET:BOOT_HEADER_OFFSET + len(BOOT_MAGIC)] != BOOT_MAGIC:
        raise ValueError(f"stage 2 has no {BOOT_MAGIC.decode()} header")
    if b"\0" in cmdline:
        raise ValueError("the command line contains a zero byte")
    if len(cmdline) >= CMDLINE_BYTES:
        raise ValueError(f"the command line has {len(cmdline)} bytes, "
                         f"and {CMDLINE_BYTES - 1} fit")
    area = bytearray(STAGE2_SECTORS * SECTOR)
    area[:len(stage2)] = stage2
    struct.pack_into("<QQ", area, BOOT_HEADER_OFFSET + len(BOOT_MAGIC), KERNEL_LBA, kernel_bytes)
    area[CMDLINE_OFFSET:CMDLINE_OFFSET + len(cmdline)] = cmdline
    return bytes(area)


def make_image(stage1: bytes, stage2: bytes, kernel_elf: bytes, cmdline: str = "") -> bytes:
    """A bootable disk. ValueError says which part does not fit or is not what it should be."""
    kernel = strip_elf(kernel_elf)
    total = max(IMAGE_MIN, _round_up(KERNEL_LBA * SECTOR + len(kernel), IMAGE_ALIGN))
    area = _stage2_area(stage2, len(kernel), cmdline.encode())
    # The same input gives the same image, and different kernels different signatures.
    signature = zlib.crc32(area + kernel)
    sector = _boot_sector(stage1, total // SECTOR - KERNEL_LBA, signature)
    return (sector + area + kernel).ljust(total, b"\0")


def main() -> int:
    parser = argparse.ArgumentParser(description="make a disk image that a BIOS boots")
    for part in ("stage1", "stage2", "kernel"):
        parser.add_argument(f"--{part}", required=True, type=pathlib.Path, metavar="FILE")
    parser.add_argument("--cmdline", default="", metavar="TEXT")
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path, metavar="IMAGE")
    args = parser.parse_args()
    try:
        image = make_image(args.stage1.read_bytes(), args.stage2.read_bytes(),
                           args.kernel.read_bytes(), args.cmdline)
    except ValueError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    args.output.write_bytes(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
