#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots nic_life on a board whose ACPI describes virtio devices where none are: in memory, in
other devices, in nothing, and in words that end too early. Its one NIC is all that it finds.

    test_described.py NIC_LIFE.IMG
"""
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)

PLACES = [  # address, bytes, wire
    (0x100000, 512, 24),            # memory
    (0xfee00000, 4096, 5),          # the local APIC
    (0xfec00000, 512, 5),           # the I/O APIC
    (0xa0000000, 512, 5),           # nothing
    (0xfffffffc, 0xffffffff, 5),    # the firmware's last word, and beyond 4 GiB
    (0xa0000002, 512, 0xffffffff),  # no place for a register
    (0xa0000400, 4, 5),             # too small for them
]


def length(content):
    """A length of two bytes in front of what it spans (ACPI 6.5 §20.2.4)."""
    count = len(content) + 2
    return bytes([0x40 | count & 15, count >> 4]) + content


def device(at, size, wire, claims=0):
    """Device (V000) with a window and a wire; its words claim so many bytes too many."""
    resources = (b"\x86" + struct.pack("<HBII", 9, 1, at, size) +
                 b"\x89" + struct.pack("<HBBI", 6, 1, 1, wire) + b"\x79\0")
    buffer = length(bytes([0x0a, len(resources) + claims]) + resources)
    return b"\x5b\x82" + length(b"V000\x08_HID\x0dLNRO0005\0\x08_CRS\x11" + buffer)


def table():
    """The body of an SSDT that is lies from end to end."""
    whole = b"".join(device(*place) for place in PLACES)
    return whole + device(0xa0000000, 512, 5, claims=100) + device(0xa0000000, 512, 5)[:-9]


def main():
    """Exit status 0 if no device was made up."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            ssdt = Path(scratch) / "table"
            ssdt.write_bytes(table())
            with Guest(sys.argv[1], machine="pc", net="user",
                       extra=["-acpitable", f"sig=SSDT,data={ssdt}"]) as guest:
                status = guest.wait()
                guest.expect("^nic_life: done$", 0)
                if status != 0:
                    raise guest.failure(f"exit status {status}")
    except GuestError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
