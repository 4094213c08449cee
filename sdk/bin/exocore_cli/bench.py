# SPDX-License-Identifier: MIT
"""exocore bench: what it costs, beside the least that is possible and beside other systems.

A suite names the files of the metal tree that it NEEDS, and gives rows; this module prints them,
as a table or with --json one object a line.
"""

import json
from dataclasses import dataclass, field

from . import bench_boot, bench_primitives, build, packages
from .report import say

SUITES = {"boot": bench_boot, "primitives": bench_primitives}  # by name, in this order


@dataclass
class Row:
    """One figure."""
    name: str
    value: float
    unit: str
    limit: float = None  # the least that is possible, or the goal
    rivals: dict = field(default_factory=dict)  # system -> its value

    def fields(self, suite):
        """As one JSON object."""
        known = {"suite": suite, "name": self.name, "value": self.value, "unit": self.unit,
                 "limit": self.limit, "rivals": self.rivals}
        return {key: value for key, value in known.items() if value not in (None, {})}


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("suite", nargs="?", choices=sorted(SUITES), metavar="SUITE",
                        help=f"{' or '.join(SUITES)}; default: all")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--runs", type=int, default=15, metavar="N",
                        help="of which a wall time is the median; default 15")


def table(rows):
    """Lines of aligned columns: what, value, unit, limit, and a column for each rival."""
    systems = list(dict.fromkeys(system for row in rows for system in row.rivals))
    cells = [["", "exocore", "unit", "limit", *systems]]
    for row in rows:
        cells.append([row.name, text(row.value), row.unit, text(row.limit),
                      *(text(row.rivals.get(system)) for system in systems)])
    widths = [max(map(len, column)) for column in zip(*cells)]
    for line in cells:
        yield "  ".join(cell.ljust(width) if at in (0, 2) else cell.rjust(width)
                        for at, (cell, width) in enumerate(zip(line, widths))).rstrip()


def text(value):
    """A number for the table; nothing is a dash."""
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) and value < 10 else f"{value:.0f}"


def run(args):
    """The command. Returns the exit status."""
    packages.ensure("run", build.LOGS)
    names = [args.suite] if args.suite else list(SUITES)
    build.bring_up_to_date("metal", [file for name in names for file in SUITES[name].NEEDS])
    for name in names:
        rows = [Row(**row) for row in SUITES[name].rows(build.BUILD / "metal", args.runs)]
        if args.json:
            for row in rows:
                say(json.dumps(row.fields(name), ensure_ascii=False))
        else:
            say("\n".join([f"{name}: {SUITES[name].TITLE}", *table(rows)]))
    return 0
