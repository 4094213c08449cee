# SPDX-License-Identifier: MIT
"""What core's and the libraries' primitives cost, in executed instructions.

QEMU's -icount shift=0,sleep=off makes the time stamp counter advance by one for each, the same
on every run. The other systems were measured in the same way, on QEMU 7.2: Linux 6.1 guest,
Nanos, Unikraft (2024-10); the limit is the least that hand-written assembly needs for the job.
"""

import re

from . import bench_guest

TITLE = "executed instructions"
# The image's name for an operation: limit, Linux, Nanos, Unikraft.
OTHERS = {
    "yield there and back": (40, 4078, None, 352),
    "event ping-pong, round trip": (None, 18138, 7952, 781),
    "task create, run, end": (None, 50460, 43443, 4972),
    "malloc + free, 64 B": (None, 133, 132, 258),
    "frame claim + release": (None, None, None, 219),
    "page map + unmap, kept frame": (None, None, None, 710),
    "clock read": (1, 73, 1270, 20),
}


def rows(tree, _runs):
    """One row for each operation of bench/metal."""
    console = bench_guest.console(tree / "bench.elf", memory="16M", firmware="direct",
                                  extra=bench_guest.ICOUNT)
    for name, ticks in re.findall(r"^bench: (.*?) +(\d+)$", console, re.MULTILINE):
        limit, *others = OTHERS.get(name, (None, None, None, None))
        rivals = {system: value for system, value in zip(("Linux", "Nanos", "Unikraft"), others)
                  if value is not None}
        yield {"name": name, "value": int(ticks), "unit": "instructions", "limit": limit,
               "rivals": rivals}
