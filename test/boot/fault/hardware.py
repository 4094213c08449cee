# SPDX-License-Identifier: MIT
"""Has QEMU's monitor do to a sleeping image what broken hardware would: a report must say what
came, and where the CPU was."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)
from screen import Monitor  # noqa: E402

BUS_ERROR = "0xb600000000000e0f"  # valid, uncorrected, with an address; the context is lost
CASES = (  # the monitor's command, and what the report says of it
    ("nmi", r"^fault: NMI non-maskable interrupt \(vector 2\)"),
    (f"mce 0 1 {BUS_ERROR} 0x0 0x12345 0x0",
     r"^fault: #MC machine check \(vector 18\): bank 1 has b600000000000e0f for address 0x12345$"),
)


def check(image, command, line):
    """Raises GuestError if the report is not as it should be."""
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/qmp"
        with Guest(image, firmware="direct", cmdline="sleep", net="none",
                   extra=["-qmp", f"unix:{path},server=on,wait=off"]) as guest:
            guest.expect(r"^asleep$")
            monitor = Monitor(path)
            try:
                monitor.do("human-monitor-command", **{"command-line": command})
            finally:
                monitor.close()
            guest.expect(line)
            guest.expect(r"sleep_for_good\+0x")
            if guest.wait() != 102:
                raise guest.failure(f"not 102 but {guest.code} was the machine's status")


def main(image):
    """Exit status 0 if every report is right."""
    try:
        for case in CASES:
            check(image, *case)
    except (GuestError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
