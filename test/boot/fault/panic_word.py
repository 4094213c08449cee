# SPDX-License-Identifier: MIT
"""Boots the image with each panic= and looks what the machine does after its report."""

import sys
import time
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


def rebooting(image, cmdline):
    """The same on a machine that QEMU lets boot again."""
    return Guest(image, firmware="direct", cmdline=cmdline, net="none", machine="q35",
                 extra=["-action", "reboot=reset"])


def resets(image, cmdline, words="panic: no more than 42"):
    """The machine boots again, and reports again."""
    with rebooting(image, cmdline) as guest:
        at = guest.expect(words).end()
        guest.expect(words, after=at)


def goes_off(image, cmdline):
    """The machine is off after one report."""
    with rebooting(image, cmdline) as guest:
        deadline = time.monotonic() + 60
        while guest.read(deadline):
            pass
        if guest.process.wait(1) != 0 or guest.log.count("panic: no more than 42") != 1:
            raise guest.failure("not switched off after one report")


def main(image):
    """Ends without an error if all did what they were told."""
    for cmdline in ("panic", "panic panic=exit"):
        if "panic=" in exits(image, cmdline).partition("panic: ")[0]:
            raise GuestError("a good word is complained about")
    if "panic= is none of" not in exits(image, "panic panic=rest"):
        raise GuestError("a bad word is not complained about")
    halts(image, "panic panic=halt")
    resets(image, "panic panic=reset")
    resets(image, "in_report panic=reset", "the report itself failed")
    goes_off(image, "panic panic=off")


if __name__ == "__main__":
    main(sys.argv[1])
