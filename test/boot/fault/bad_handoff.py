# SPDX-License-Identifier: MIT
"""Boots copies of an image whose loader hands over a broken block: each time core must say
what is wrong and stop, with the status for a machine it cannot run on."""

import re
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError, image_format  # noqa: E402  (the path above comes first)

MAGIC = b"EXO HND1"
STATUS = 103  # CORE_BRINGUP_STATUS
FAULT_STATUS = 102


# Fields of the block, where the loader of the BIOS road builds it (bootloader/layout.inc).
HANDOFF = 0x1000
LOW_END = HANDOFF + 88
LOW_START = HANDOFF + 184
TABLES = HANDOFF + 200
VERSION = HANDOFF + 8
NOWHERE = 0x3f000000


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


def spoil_root(loader):
    """The page tables are said to begin a page behind the one that the CPU uses as their root."""
    store = b"\x48\x8d\x04\x25(....)\x48\x89\x04\x25" + struct.pack("<I", TABLES)
    found = list(re.finditer(store, loader, re.DOTALL))
    if len(found) != 1:
        raise GuestError(f"the loader says {len(found)} times where its tables are, not once")
    tables, = struct.unpack("<I", found[0][1])
    struct.pack_into("<I", loader, found[0].start(1), tables + 4096)


def spoil_place(loader):
    """The loader hands over (lea rdi, [HANDOFF]) an address where nothing is mapped."""
    hand_over = b"\x48\x8d\x3c\x25" + struct.pack("<I", HANDOFF)
    if loader.count(hand_over) != 1:
        raise GuestError("the loader does not hand over its block once")
    struct.pack_into("<I", loader, loader.index(hand_over) + 4, NOWHERE)


# What is done to the loader, how the machine ends, and what core has to say: the one line, but for
# a block that cannot be read.
CASES = [
    (spoil_place, FAULT_STATUS, r"fault: #PF .*: no memory of ours\)\nrip (?s:.*)error code 0"),
    (spoil_magic, STATUS, r"exocore: no handoff block .*magic.*"),
    (spoil_version, STATUS, r"exocore: handoff block of version 1 with 208 bytes, wanted .*"),
    (spoil_tables, STATUS, r"exocore: the loader's own memory .* makes no sense"),
    (spoil_root, STATUS, r"exocore: the loader's page tables are not where it says"),
    (spoil_low_memory, STATUS, r"exocore: the loader's own memory .* makes no sense"),
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


def check(image, spoil, wanted, text, scratch):
    """Raises GuestError unless core refused in these words, on a machine with a screen, too."""
    with Guest(broken(image, spoil, scratch), extra=["-device", "VGA"]) as guest:
        status = guest.wait()
        if status != wanted:
            raise guest.failure(f"{spoil.__name__}: exit status {status}, not {wanted}")
        if not re.fullmatch(text, guest.log.strip()):
            raise guest.failure(f"{spoil.__name__}: not these words")
        print(guest.log)


def main(image):
    """Ends without an error if core refused each."""
    with tempfile.TemporaryDirectory() as scratch:
        for spoil, status, text in CASES:
            check(image, spoil, status, text, scratch)


if __name__ == "__main__":
    main(sys.argv[1])
