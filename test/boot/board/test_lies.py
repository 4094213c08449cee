# SPDX-License-Identifier: MIT
"""Boots an image on boards whose ACPI has one table more, and that one lies: core must say
so in a line, or not believe it, and find the devices and the time in another way."""

import argparse
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest  # noqa: E402  (the path above comes first)

NOWHERE = 0xa0000000  # on a pc with little memory


def ecam(base):
    """The body of a table MCFG with one range of all buses."""
    return bytes(8) + struct.pack("<QHBBI", base, 0, 0, 255, 0)


def hpet(space, at):
    """The body of a table HPET."""
    return struct.pack("<IBBBBQBHB", 0x8086a201, space, 64, 0, 0, at, 0, 100, 0)


# name: signature, body, patterns on the console in their order. The machine is a pc, which has
# no MCFG, without its HPET.
LIES = {
    "mcfg": ("MCFG", ecam(NOWHERE), [
        r"core: PCI segment 0 is not in memory at 0xa0000000, as ACPI says",
        r"PCI 00:00.0 is 8086:1237, 256 bytes"]),
    "mcfg_over_memory": ("MCFG", ecam(0x100000), [
        r"core: PCI segment 0 is not in memory", r"PCI 00:00.0 is 8086:1237"]),
    "mcfg_wide": ("MCFG", ecam(0x7ffffff000000000), [
        r"core: PCI segment 0 is not in memory", r"PCI 00:00.0 is 8086:1237"]),
    "mcfg_short": ("MCFG", ecam(NOWHERE)[:-1], [r"PCI 00:00.0 is 8086:1237, 256 bytes"]),
    "hpet": ("HPET", hpet(0, NOWHERE), [r"by the ACPI timer"]),
    "hpet_over_memory": ("HPET", hpet(0, 0x100000), [r"by the ACPI timer"]),
    "hpet_wide": ("HPET", hpet(0, 0x0fff_ffff_f000), [r"by the ACPI timer"]),
    "hpet_in_ports": ("HPET", hpet(1, 0xfed00000), [
        r"core: firmware: the event timer's address cannot be", r"by the ACPI timer"]),
}


def check(image, lie, scratch):
    """Raises GuestError if the lie is believed."""
    signature, body, patterns = LIES[lie]
    table = Path(scratch) / "table"
    table.write_bytes(body)
    extra = ["-cpu", "max,-hypervisor", "-acpitable", f"sig={signature},data={table}"]
    with Guest(image, machine="pc,hpet=off", net="none", extra=extra) as guest:
        status = guest.wait()
        position = 0
        for pattern in patterns + [r"board: done"]:
            position = guest.expect(pattern, 0, position).end()
        if status != 0:
            raise guest.failure(f"exit status {status}")


def main():
    """Ends without an error if the lie changed nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("lie", choices=list(LIES))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        check(args.image, args.lie, scratch)


if __name__ == "__main__":
    main()
