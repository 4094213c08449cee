# SPDX-License-Identifier: MIT
"""What core's and the libraries' primitives cost, in executed instructions.

QEMU's -icount shift=0,sleep=off makes the time stamp counter advance by one for each, the same
on every run. Linux is measured beside us, by a guest of its own (bench_linux). Nanos and
Unikraft were measured in the same way on QEMU 7.2 in 2024-10; where Linux cannot be had, its
column has what was measured then. The limit is what we have set ourselves, or for a yield the
least that hand-written assembly needs.
"""

import re
import sys

from . import bench_guest, bench_linux

TITLE = "executed instructions"
NEEDS = ["bench.elf"]
SYSTEMS = ("Linux", "Nanos", "Unikraft")
# The images' name for an operation: limit, and each system's stored figure.
OTHERS = {
    "yield there and back": (40, 4078, None, 352),
    "event ping-pong, round trip": (None, 18138, 7952, 781),
    "task create, run, end": (None, 50460, 43443, 4972),
    "malloc + free, 64 B": (40, 133, 132, 258),
    "frame claim + release": (40, None, None, 219),
    "page map + unmap, kept frame": (100, 20035, 11978, 710),
    "clock read": (12, 73, 1270, 20),
    "null call of the kernel": (None, 337, 1022, 4),
    "interrupt to waiting code": (150, None, None, None),
    "deadline to waiting code": (150, None, None, None),
}


def parse(console):
    """name -> instructions, of what bench/metal and bench/linux print."""
    found = re.findall(r"^bench: (\S.*?) +(\d+)$", console, re.MULTILINE)
    return {name: int(ticks) for name, ticks in found}


def rows_of(ours, linux):
    """One row for each operation of ours, with what the others take for it."""
    for name, value in ours.items():
        limit, *stored = OTHERS.get(name, (None,) * 4)
        rivals = {system: figure for system, figure in zip(SYSTEMS, stored) if figure is not None}
        if name in linux:
            rivals = {**rivals, "Linux": linux[name]}
        yield {"name": name, "value": value, "unit": "instructions", "limit": limit,
               "rivals": rivals}


def linux_figures():
    """Of this run; none, and a line that says why, where they cannot be had."""
    try:
        return parse(bench_linux.console())
    except bench_linux.Unavailable as why:
        print(f"bench: Linux is not measured, its figures are stored ones: {why}",
              file=sys.stderr)
        return {}


def rows(tree, _runs):
    """Both guests, one after the other."""
    console = bench_guest.console(tree / "bench.elf", memory="16M", firmware="direct",
                                  extra=bench_guest.ICOUNT)
    yield from rows_of(parse(console), linux_figures())
