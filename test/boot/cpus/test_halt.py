# SPDX-License-Identifier: MIT
"""Boots an image that wants to switch off a machine which cannot be: it must halt, all of it.
A CPU that went on would end the machine a second later."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest  # noqa: E402  (the path above comes first)

SECONDS = 3


def check(image):
    """Raises GuestError if somebody goes on."""
    with Guest(image, firmware="direct", machine="microvm", cmdline="halt", net="none",
               cpus=2) as guest:
        guest.expect(r"halted$")
        try:
            guest.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return
        raise guest.failure("a CPU went on and ended the machine")


if __name__ == "__main__":
    check(sys.argv[1])
