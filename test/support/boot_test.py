# SPDX-License-Identifier: MIT
"""One boot test for CTest: boots an image, holds its console against patterns, in their
order, and its exit status against the expected one."""

import argparse
import re

from qemu import PATIENCE_SECONDS, Guest, qemu


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--expect", action="append", default=[], metavar="REGEX",
                        help="must be on the console, each behind the one before (repeatable)")
    parser.add_argument("--reject", action="append", default=[], metavar="REGEX",
                        help="must not be on the console (repeatable)")
    parser.add_argument("--exit", type=int, default=0, metavar="STATUS", dest="status")
    parser.add_argument("--memory", default="64M")
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--firmware", default="bios", choices=["bios", "uefi", "direct"],
                        help="direct: the image is an ELF file")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--disk", default="ide", choices=list(qemu.DISKS))
    parser.add_argument("--net", default="none")
    parser.add_argument("--cmdline", metavar="TEXT", help="the app's command line")
    parser.add_argument("--timeout", type=float, default=PATIENCE_SECONDS,
                        metavar="SECONDS")
    parser.add_argument("--qemu", action="append", default=[], metavar="ARG",
                        help="one more argument for QEMU (repeatable)")
    return parser.parse_args()


def check(guest, args):
    """Waits for the end and raises GuestError at the first thing that is not as expected."""
    status = guest.wait(args.timeout)
    position = 0
    for pattern in args.expect:
        position = guest.expect(pattern, 0, position).end()
    for pattern in args.reject:
        if re.search(pattern, guest.log, re.MULTILINE):
            raise guest.failure(f"/{pattern}/ is on the console")
    if status != args.status:
        raise guest.failure(f"exit status {status}, not {args.status}")


def main():
    """Ends without an error if the image did as expected."""
    args = arguments()
    with Guest(args.image, cmdline=args.cmdline, memory=args.memory, machine=args.machine,
               firmware=args.firmware, cpus=args.cpus, disk=args.disk, net=args.net,
               extra=args.qemu) as guest:
        check(guest, args)
        print(guest.log)


if __name__ == "__main__":
    main()
