#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the benchmark image and prints what its primitives cost, beside other systems.

    python3 bench/run.py build/metal/bench.img

Figures are executed instructions: QEMU's -icount shift=0,sleep=off makes the time stamp
counter advance by one for each, the same on every run. The others were measured in the
same way, on QEMU 7.2: Linux 6.1 guest, Nanos, Unikraft (2024-10); "limit" is the least that
hand-written assembly needs for the job.
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sdk/bin"))
from exocore_cli import qemu  # noqa: E402  (the path above comes first)

SECONDS = 120
ICOUNT = ["-icount", "shift=0,sleep=off"]
NONE = "–"
# The image's name for an operation: limit, Linux, Nanos, Unikraft.
OTHERS = {
    "yield there and back": ("40", "4078", NONE, "352"),
    "event ping-pong, round trip": (NONE, "18138", "7952", "781"),
    "task create, run, end": (NONE, "50460", "43443", "4972"),
    "malloc + free, 64 B": (NONE, "133", "132", "258"),
    "frame claim + release": (NONE, NONE, NONE, "219"),
    "page map + unmap, kept frame": (NONE, NONE, NONE, "710"),
    "clock read": ("1", "73", "1270", "20"),
}
HEADS = ("instructions", "exocore", "limit", "Linux", "Nanos", "Unikraft")


def run(image):
    """The console of one run; raises RuntimeError if the image did not end well."""
    machine = qemu.Machine(str(image), memory="16M", net="none", extra=ICOUNT)
    done = subprocess.run(machine.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    console = done.stdout.decode(errors="replace").replace("\r\n", "\n")
    if qemu.exit_status(done.returncode) != 0:
        raise RuntimeError(f"the image failed:\n{console}")
    return console


def table(console):
    """Rows of text, the heads first."""
    rows = [HEADS]
    for name, ticks in re.findall(r"^bench: (.*?) +(\d+)$", console, re.MULTILINE):
        rows.append((name, ticks, *OTHERS.get(name, (NONE,) * 4)))
    return rows


def main():
    """Exit status 0 if there is a table."""
    if len(sys.argv) != 2:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    try:
        rows = table(run(sys.argv[1]))
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    for row in rows:
        print(row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
