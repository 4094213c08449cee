# SPDX-License-Identifier: MIT
"""Boots the same image in machines from 4 MiB to 64 GiB, on a CPU with pages of 1 GiB and on
one without, and counts the instructions from core's first to main: the amount of memory must
not matter. Most of the 64 GiB exist in the guest's page tables only."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)

CPUS = ("max", "qemu64")
SIZES = ("4M", "64M", "3G", "5G", "64G")
ALLOWANCE = 1500  # instructions: a few entries more in the memory map
ICOUNT = ["-icount", "shift=0,sleep=off"]


def to_main(image, size, cpu):
    """Instructions of core and of what runs before main."""
    backend = ["-object", f"memory-backend-ram,id=ram,size={size},reserve=off"]
    with Guest(image, firmware="direct", machine="pc,memory-backend=ram", memory=size, net="none",
               extra=[*backend, "-cpu", cpu, *ICOUNT]) as guest:
        count = int(guest.expect(r"^boot: to_core \d+ to_main (\d+)\n").group(1))
        print(f"{cpu}, {size}: {count} instructions")
        return count


def compare(image, cpu):
    """Fails if one size takes much longer than another."""
    counts = {size: to_main(image, size, cpu) for size in SIZES}
    if max(counts.values()) - min(counts.values()) > ALLOWANCE:
        raise GuestError(f"{cpu}: time to main grows with memory: {counts}")


def main(image):
    """Ends without an error if time to main is the same in all sizes."""
    for cpu in CPUS:
        compare(image, cpu)


if __name__ == "__main__":
    main(sys.argv[1])
