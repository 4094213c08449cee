# SPDX-License-Identifier: MIT
"""slow_reader.py IMAGE: no output is lost while the console's reader is busy elsewhere."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest  # noqa: E402  (the path above comes first)

BUSY_SECONDS = 1
LINES = 5000


def main():
    """Ends without an error if every line arrived."""
    with Guest(sys.argv[1], net="none") as guest:
        try:
            guest.process.wait(BUSY_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # the pipe is full, and the machine waits for us
        guest.wait()
        lines = [line for line in guest.log.splitlines() if line.startswith("talk: ")]
        if len(lines) != LINES:
            raise guest.failure(f"{len(lines)} of {LINES} lines arrived")


if __name__ == "__main__":
    main()
