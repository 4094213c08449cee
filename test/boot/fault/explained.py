# SPDX-License-Identifier: MIT
"""A real report, explained: `exocore explain` must name the line of the misdeed and of its
caller, wherever the image was placed."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)

SOURCE = ROOT / "test/boot/fault/fault.c"
MISDEEDS = {  # and what stands on its line
    "null": r"__asm__ volatile\(\"movl \$1, \(%0\)\"",
    "text": r"write_through_null = 0xc3;",
    "assert": r"exo_assert\(pigs_fly > 0\);",
}


def line_of(pattern):
    """The number of the first line of the source with that in it."""
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if re.search(pattern, line))


def explain(elf, misdeed):
    """Boots, and returns what the tool makes of the console."""
    with Guest(elf, firmware="direct", cmdline=misdeed, net="none") as guest:
        guest.wait()
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write(guest.log)
            log.flush()
            done = subprocess.run([sys.executable, "-B", ROOT / "sdk/bin/exocore.py", "explain",
                                   log.name, elf], capture_output=True, text=True, check=False)
        if done.returncode:
            raise guest.failure(done.stderr)
    return done.stdout


def main(elf):
    """Ends without an error if every misdeed has its line."""
    for misdeed, pattern in MISDEEDS.items():
        said = explain(elf, misdeed)
        print(said)
        place = f"test/boot/fault/fault.c:{line_of(pattern)}\n"
        if place not in said or not re.search(r"^main  .*fault\.c:\d+$", said, re.MULTILINE):
            raise GuestError(f"{misdeed}: no {place} in\n{said}")


if __name__ == "__main__":
    main(sys.argv[1])
