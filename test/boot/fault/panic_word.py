# SPDX-License-Identifier: MIT
"""Boots the image with each panic= and looks what the machine does after its report."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)

STATUS = 101  # CORE_PANIC_STATUS


def boot(image, cmdline):
    """The image, booted directly."""
    return Guest(image, firmware="direct", cmdline=cmdline, net="none")


def exits(image, cmdline):
    """The report ends with the exit status of a panic."""
    with boot(image, cmdline) as guest:
        status = guest.wait()
        if status != STATUS:
            raise guest.failure(f"exit status {status}, not {STATUS}")
        return guest.log


def halts(image, cmdline):
    """The report ends with a line that says so, and the machine is still there."""
    with boot(image, cmdline) as guest:
        guest.expect(r"^panic: no more than 42")
        guest.expect(r"^exocore: halted$")


def main(image):
    """Exit status 0 if all did what they were told."""
    try:
        for cmdline in ("panic", "panic panic=exit"):
            if "panic=" in exits(image, cmdline).partition("panic: ")[0]:
                raise GuestError("a good word is complained about")
        if "panic= is none of" not in exits(image, "panic panic=rest"):
            raise GuestError("a bad word is not complained about")
        halts(image, "panic panic=halt")
    except GuestError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
