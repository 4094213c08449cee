# SPDX-License-Identifier: MIT
"""Boots copies of an image whose loader hands over a broken block: each time core must say
what is wrong in one line and stop, with the status for a machine it cannot run on."""

import re
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError, image_format  # noqa: E402  (the path above comes first)

MAGIC = b"EXO HND1"
STATUS = 103  # CORE_BRINGUP_STATUS


# Fields of the block, where the loader of the BIOS road builds it (bootloader/layout.inc).
HANDOFF = 0x1000
LOW_END = HANDOFF + 88
LOW_START = HANDOFF + 184
TABLES = HANDOFF + 200
VERSION = HANDOFF + 8


def spoil_magic(loader):
    """Changes the first letter of the loader's magic number. Core's own copy of the number
    lies behind the loader and stays."""
    at = loader.find(MAGIC)
    if at < 0:
        raise GuestError("the loader has no magic number to break")
    loader[at] ^= 1


def spoil_version(loader):
    """Lets the loader store (mov dword [version], 2) the version before."""
    store = b"\xc7\x04\x25" + struct.pack("<II", VERSION, 2)
    if loader.count(store) != 1:
        raise GuestError("the loader does not store its version once")
    struct.pack_into("<I", loader, loader.index(store) + 7, 1)


def redirect(loader, from_field, to_field):
    """Lets the loader store one field (mov [field], reg) as another; the one stays 0."""
    stores = list(re.finditer(b"\x48\x89.\x25" + struct.pack("<I", from_field), loader, re.DOTALL))
    if len(stores) != 1:
        raise GuestError(f"the loader stores {from_field:#x} {len(stores)} times, not once")
    struct.pack_into("<I", loader, stores[0].start() + 4, to_field)


def spoil_low_memory(loader):
    """The end of the loader's memory is said to be its start."""
    redirect(loader, LOW_END, LOW_START)


def spoil_tables(loader):
    """Nobody says where the page tables are."""
    redirect(loader, TABLES, LOW_START)


# What is done to the loader, and the one line that core has to say.
CASES = [
    (spoil_magic, r"exocore: no handoff block .*magic.*"),
    (spoil_version, r"exocore: handoff block of version 1 with 208 bytes, wanted version 2 .*"),
    (spoil_tables, r"exocore: the loader's own memory .* makes no sense"),
    (spoil_low_memory, r"exocore: the loader's own memory .* makes no sense"),
]


def broken(image, spoil, scratch):
    """A copy of the image with a spoilt loader."""
    data = bytearray(Path(image).read_bytes())
    loader = data[image_format.STAGE2_AT:image_format.ESP_AT]
    spoil(loader)
    data[image_format.STAGE2_AT:image_format.ESP_AT] = loader
    copy = Path(scratch) / "broken.img"
    copy.write_bytes(data)
    return copy


def check(image, spoil, line, scratch):
    """Raises GuestError unless core refused in that line."""
    with Guest(broken(image, spoil, scratch)) as guest:
        status = guest.wait()
        if status != STATUS:
            raise guest.failure(f"{spoil.__name__}: exit status {status}, not {STATUS}")
        if not re.fullmatch(line, guest.log.strip()):
            raise guest.failure(f"{spoil.__name__}: not the one line")
        print(guest.log)


def main(image):
    """Exit status 0 if core refused each in one line."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for spoil, line in CASES:
                check(image, spoil, line, scratch)
    except GuestError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
