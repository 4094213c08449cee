# SPDX-License-Identifier: MIT
"""slow_reader.py IMAGE: no output is lost while the console's reader is busy elsewhere."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)

BUSY_SECONDS = 1
LINES = 5000


def main():
    """Exit status 0 if every line arrived."""
    with Guest(sys.argv[1], net="none") as guest:
        try:
            guest.process.wait(BUSY_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # the pipe is full, and the machine waits for us
        try:
            guest.wait()
        except GuestError as error:
            sys.exit(f"FAILED: {error}")
        lines = [line for line in guest.log.splitlines() if line.startswith("talk: ")]
        if len(lines) != LINES:
            sys.exit(f"FAILED: {len(lines)} of {LINES} lines arrived; the last: {lines[-1]}")


if __name__ == "__main__":
    main()
