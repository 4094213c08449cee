# SPDX-License-Identifier: MIT
"""Boots an image in less memory than its kernel needs: one line must say so, and then
nothing more may happen."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)


def main(image):
    """Exit status 0 if the machine explained itself in one line."""
    try:
        with Guest(image, memory="1M") as guest:
            guest.expect(r"^exocore: .*memory.*\n")
            if "hello" in guest.log or guest.log.count("exocore: ") != 1:
                raise guest.failure("more than one line")
            print(guest.log)
    except GuestError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
