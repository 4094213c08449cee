# SPDX-License-Identifier: MIT
"""Boots an image in sizes of memory from nothing above the first megabyte upwards: each time
it must run, or one line must say that there is too little, whoever notices it first. The
loader says it of each slot that it tries, and then that there is no other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)

SIZES_KIB = range(1024, 1600, 64)
REFUSAL = (r"^exocore: slot A: .*memory.*\nexocore: no slot of this disk can be booted\n"
           r"|^exocore: (?!slot).*memory.*\n")


def boot(image, size_kib):
    """One machine. True if it ran, False if it refused in one line."""
    with Guest(image, memory=f"{size_kib}K") as guest:
        said = guest.expect(rf"{REFUSAL}|^hello").group()
        ran = "hello" in guest.log
        if guest.log.count("exocore: ") != said.count("exocore: "):
            raise guest.failure("it ran and refused, or refused twice")
        print(f"{size_kib} KiB: {guest.log.splitlines()[-1]}")
        return ran


def main(image):
    """Ends without an error if every size ran or was refused in one line, and both happened."""
    ran = [boot(image, size_kib) for size_kib in SIZES_KIB]
    # In between the firmware, which takes memory in large steps for itself, decides.
    if ran[0] or not ran[-1]:
        raise GuestError(f"not first too little and at last enough: {ran}")


if __name__ == "__main__":
    main(sys.argv[1])
