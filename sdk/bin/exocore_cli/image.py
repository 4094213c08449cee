# SPDX-License-Identifier: MIT
"""Disk images: docs/handoff.md, "The image on disk".

    0        protective MBR with stage 1; both GPTs
    32768    what makes the image a CD as well (iso.py)
    65536    stage 2 for the BIOS; the command line is the last 1024 of its 12288 bytes
    131072   EFI system partition
    then     slots A and B (slots.py)
    end      copies of both GPTs

The same file boots by BIOS and by UEFI, as a disk of 512 or 4096-byte sectors, as a USB
stick and as a CD.
"""
import argparse
import fcntl
import hashlib
import io
import os
import pathlib
import sys
import uuid
import zlib

from . import esp, gpt, iso, slots
from .elf import EHDR, EM_X86_64, PHDR, PT_DYNAMIC, PT_LOAD

SECTOR = 512
STAGE1_MAX = 440  # the disk signature and the partition table follow
STAGE2_AT = 65536
STAGE2_BYTES = 12288  # its area, with the command line
STAGE2_PARTITION = 65536
STAGE2_MAGIC_AT = 16
STAGE2_MAGIC = b"EXOBOOT3"
CMDLINE_BYTES = 1024  # with its terminating zero
STAGE2_MAX = STAGE2_BYTES - CMDLINE_BYTES
CMDLINE_AT = STAGE2_AT + STAGE2_MAX
ESP_AT = STAGE2_AT + STAGE2_PARTITION
SLOT_NAMES = ("exocore-a", "exocore-b")
ALIGN = 4096

ELFCLASS64, ELFDATA2LSB = 2, 1


def strip_elf(elf: bytes) -> bytes:
    """The ELF file reduced to its header, its PT_LOAD headers with their bytes, and PT_DYNAMIC.

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

    dynamic = [h for h in headers if h[0] == PT_DYNAMIC and h[6] > 0]
    kept = loads + dynamic
    out = bytearray(EHDR.size + len(kept) * PHDR.size)
    EHDR.pack_into(out, 0, *ehdr[:5], EHDR.size, 0, *ehdr[7:9], PHDR.size, len(kept), 0, 0, 0)
    moved = {}
    for i, (kind, flags, offset, vaddr, paddr, filesz, memsz, align) in enumerate(loads):
        if offset + filesz > len(elf):
            raise ValueError("kernel: a segment reaches beyond the file")
        out += bytes(-len(out) % 8)  # the loader copies eight bytes at a time
        moved[range(offset, offset + filesz)] = len(out) - offset
        PHDR.pack_into(out, EHDR.size + i * PHDR.size,
                       kind, flags, len(out), vaddr, paddr, filesz, memsz, align)
        out += elf[offset:offset + filesz]
    for i, header in enumerate(dynamic, len(loads)):
        shift = next((by for where, by in moved.items() if header[2] in where), None)
        if shift is None:
            raise ValueError("kernel: the dynamic section lies in no segment")
        PHDR.pack_into(out, EHDR.size + i * PHDR.size,
                       *header[:2], header[2] + shift, *header[3:])
    return bytes(out)


def cmdline_bytes(text):
    """The command line as it lies in an image; ValueError if it cannot."""
    try:
        line = text.encode()
    except UnicodeEncodeError:
        raise ValueError("the command line is not UTF-8 text") from None
    if b"\0" in line:
        raise ValueError("the command line contains a zero byte")
    if len(line) >= CMDLINE_BYTES:
        raise ValueError(f"the command line has {len(line)} bytes, and {CMDLINE_BYTES - 1} fit")
    return line.ljust(CMDLINE_BYTES, b"\0")


def _loader(stage1: bytes, stage2: bytes, cmdline: str) -> bytes:
    """The stage 2 area, once both stages are known to fit."""
    if len(stage1) > STAGE1_MAX:
        raise ValueError(f"stage 1 has {len(stage1)} bytes, and {STAGE1_MAX} fit")
    if len(stage2) > STAGE2_MAX:
        raise ValueError(f"stage 2 has {len(stage2)} bytes, and {STAGE2_MAX} fit")
    if stage2[STAGE2_MAGIC_AT:STAGE2_MAGIC_AT + len(STAGE2_MAGIC)] != STAGE2_MAGIC:
        raise ValueError(f"stage 2 has no {STAGE2_MAGIC.decode()} header")
    return stage2.ljust(STAGE2_MAX, b"\0") + cmdline_bytes(cmdline)


def _guid(*parts: bytes) -> uuid.UUID:
    """A GUID for these parts: the same input gives the same image."""
    return uuid.UUID(bytes=hashlib.sha256(b"\0".join(parts)).digest()[:16], version=4)


def make_parts(stage1: bytes, stage2: bytes, kernel_elf: bytes, cmdline: str = "", *,
               efi: bytes = b"", second_elf: bytes = b"", slot_bytes: int = 0,
               slot_b_at: int = 0):
    """(bytes of the disk, [(offset, content)]): an image without what is zero anyway.

    Slot A gets `kernel_elf`, confirmed; slot B gets `second_elf`, confirmed and second, or
    stays empty. `slot_bytes` and `slot_b_at` override how large the slots are and where B
    lies. ValueError says which part does not fit or is not what it should be.
    """
    area = _loader(stage1, stage2, cmdline)
    payloads = [strip_elf(kernel_elf), strip_elf(second_elf) if second_elf else b""]
    volume = esp.make({esp.LOADER: efi} if efi else {})
    room = slot_bytes or slots.bytes_for(max(map(len, payloads)))
    if room % ALIGN or slots.PAYLOAD_AT + max(map(len, payloads)) > room:
        raise ValueError(f"slots of {room} bytes do not hold the kernel, or are no whole pages")
    slot_at = [ESP_AT + len(volume), slot_b_at or ESP_AT + len(volume) + room]
    if slot_at[1] % ALIGN or slot_at[1] < slot_at[0] + room:
        raise ValueError("slot B lies over slot A, or not on a page")
    total = slot_at[1] + room + gpt.END_BYTES
    if slot_b_at:
        total = -(-total // (1 << 20)) * (1 << 20)

    identity = _guid(area, volume, *payloads)
    guids = [_guid(identity.bytes, bytes([i])) for i in range(4)]
    partitions = [
        gpt.Partition(gpt.BIOS_BOOT, guids[0], "exocore-bios", STAGE2_AT, STAGE2_PARTITION),
        gpt.Partition(gpt.ESP, guids[1], "exocore-efi", ESP_AT, len(volume)),
        gpt.Partition(gpt.SLOT, guids[2], SLOT_NAMES[0], slot_at[0], room),
        gpt.Partition(gpt.SLOT, guids[3], SLOT_NAMES[1], slot_at[1], room)]
    sector = gpt.protective_mbr(stage1, zlib.crc32(identity.bytes), total)
    first = slots.content(payloads[0], slots.State(priority=2, successful=True),
                          slots.build_id(kernel_elf))
    second = slots.empty() if not second_elf else slots.content(
        payloads[1], slots.State(priority=1, successful=True), slots.build_id(second_elf))
    return total, [(0, sector), *gpt.tables(total, identity, partitions),
                   *iso.overlay(total, sector, ESP_AT, len(volume)), (STAGE2_AT, area),
                   (ESP_AT, volume), (slot_at[0], first), (slot_at[1], second)]


def make_image(*args, **kwargs) -> bytes:
    """A bootable disk, whole; arguments as make_parts."""
    total, parts = make_parts(*args, **kwargs)
    disk = io.BytesIO()
    _write(disk, total, parts)
    return disk.getvalue()


def write_image(path, *args, **kwargs) -> int:
    """Writes a bootable disk to a (sparse) file, whole or not at all. Returns its bytes."""
    total, parts = make_parts(*args, **kwargs)
    path = pathlib.Path(path)
    fresh = path.with_name(path.name + ".new")
    try:
        with open(fresh, "wb") as file:
            _write(file, total, parts)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return total


def _write(file, total, parts):
    file.truncate(total)
    for offset, content in parts:
        file.seek(offset)
        file.write(content)
    file.seek(0, os.SEEK_END)
    file.write(bytes(total - file.tell()))  # a BytesIO does not grow by truncate


def find_slots(file) -> list:
    """[slot A, slot B] of an image file that is open for reading and writing."""
    size = file.seek(0, os.SEEK_END)
    _, partitions = gpt.read(file, size)
    found = [p for p in partitions if p.kind == gpt.SLOT and p.offset % ALIGN == 0]
    if len(found) < 2:
        raise gpt.GptError("no two slots in the partition table")
    return [slots.Slot(letter, file, p.offset, p.bytes) for letter, p in zip("AB", found)]


def _check_loader(file):
    """Raises ValueError unless the loader in the image is one that kernels of this version start
    with."""
    file.seek(STAGE2_AT + STAGE2_MAGIC_AT)
    if file.read(len(STAGE2_MAGIC)) != STAGE2_MAGIC:
        raise ValueError("not an image of this version of exocore: make a new one")


def slot_writes(file, letter: str, kernel_elf: bytes) -> list:
    """The writes that put a kernel into one slot of an image, in their order."""
    pair = find_slots(file)
    _check_loader(file)
    slot, other = pair if letter == "A" else reversed(pair)
    return list(slots.update(slot, other, strip_elf(kernel_elf), slots.build_id(kernel_elf)))


def write_slot(path, letter: str, kernel_elf: bytes):
    """Puts a kernel into one slot of an image. Each write is on the disk before the next:
    whenever the power goes, one slot boots. ValueError if somebody else writes into it."""
    with open(path, "r+b", buffering=0) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{path} is in use: a machine runs from it, or another exocore "
                             "writes into it") from None
        for offset, content in slot_writes(file, letter, kernel_elf):
            file.seek(offset)
            while content:
                content = content[file.write(content):]
            os.fsync(file.fileno())


def set_cmdline(path, text: str):
    """Writes the app's command line into an image file."""
    line = cmdline_bytes(text)
    with open(path, "r+b") as file:
        _check_loader(file)
        file.seek(CMDLINE_AT)
        file.write(line)


def main() -> int:
    parser = argparse.ArgumentParser(description="make a disk image")
    for part in ("stage1", "stage2", "kernel"):
        parser.add_argument(f"--{part}", required=True, type=pathlib.Path, metavar="FILE")
    parser.add_argument("--efi", type=pathlib.Path, metavar="FILE", help="the UEFI loader")
    parser.add_argument("--cmdline", default="", metavar="TEXT")
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path, metavar="IMAGE")
    args = parser.parse_args()
    try:
        write_image(args.output, args.stage1.read_bytes(), args.stage2.read_bytes(),
                    args.kernel.read_bytes(), args.cmdline,
                    efi=args.efi.read_bytes() if args.efi else b"")
    except ValueError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
