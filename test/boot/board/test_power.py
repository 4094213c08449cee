# SPDX-License-Identifier: MIT
"""Boots an image that switches the machine off or resets it, and asks QEMU which of the two
it saw: its monitor tells why a machine ended."""

import argparse
import json
import socket
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest  # noqa: E402  (the path above comes first)

SECONDS = 60


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("way", choices=["off", "reset"])
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--firmware", default="bios", choices=["bios", "uefi", "direct"])
    parser.add_argument("--memory", default="64M")
    parser.add_argument("--halts", metavar="REGEX",
                        help="the machine must not end, but say this and halt")
    return parser.parse_args()


def reason(events):
    """Why the guest ended, by the monitor's SHUTDOWN event, which is its last but for those
    of devices that close."""
    for line in events:
        message = json.loads(line)
        if message.get("event") == "SHUTDOWN":
            return message["data"]["reason"]
    return "none that QEMU tells"


def check(args, listener):
    """Raises GuestError if the machine did not end as it should."""
    extra = ["-S", "-qmp", f"unix:{listener.getsockname()}"]  # it starts when we listen
    with Guest(args.image, cmdline=args.way, machine=args.machine, firmware=args.firmware,
               memory=args.memory, net="none", cpus=2, extra=extra) as guest:
        monitor, _ = listener.accept()
        with monitor, monitor.makefile("rw", encoding="utf-8") as lines:
            lines.write('{"execute": "qmp_capabilities"}\n{"execute": "cont"}\n')
            lines.flush()
            if args.halts:
                guest.expect(args.halts, SECONDS)
                return
            monitor.settimeout(SECONDS)
            seen = reason(lines)
            wanted = {"off": "guest-shutdown", "reset": "guest-reset"}[args.way]
            if seen != wanted:
                raise guest.failure(f"the machine ended by {seen}, not by {wanted}")


def main():
    """Ends without an error if the machine ended as it should."""
    args = arguments()
    with tempfile.TemporaryDirectory() as scratch, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{scratch}/monitor")
        listener.listen()
        listener.settimeout(SECONDS)
        check(args, listener)


if __name__ == "__main__":
    main()
