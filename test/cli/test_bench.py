# SPDX-License-Identifier: MIT
"""exocore bench: rows become a table and JSON, and a trace is counted."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from here import exocore
from exocore_cli import bench, bench_boot, build, packages

ROWS = [{"name": "yield", "value": 139, "unit": "instructions", "limit": 40,
         "rivals": {"Linux": 4078}},
        {"name": "a ratio", "value": 1.0625, "unit": "times"}]
TRACE = """\
----------------
IN:
0x00007c00:  fa                       cli

Trace 0: 0x7f0000000100 [0000000000000000/0000000000007c00/000000b4/ff000000]
----------------
IN:
0x00008010:  f3 48 a5                 rep movsq (%rsi), (%rdi)

Trace 0: 0x7f0000000200 [0000000000000000/0000000000008010/000000b4/ff000000]
Trace 0: 0x7f0000000200 [0000000000000000/0000000000008010/000000b4/ff000000]
Trace 0: 0x7f0000000100 [0000000000000000/0000000000007c00/000000b4/ff000000]
Trace 0: 0x7f0000000300 [0000000000000000/0000000000100000/000000b4/ff000000]
Trace 0: 0x7f0000000400 [0000000000000000/0000000000009311/000000b4/ff000000]
"""
MAP = """\
-- Symbols ---------------------------------------------------

00001D00  sha256_state
            9236              9236  sha256_open
            9311              9311  sha256_blocks_plain.block
            A080              A080  sha256_constants
            A1C0              A1C0  gpt_find_slots
"""


class Output(unittest.TestCase):
    """What the user sees of a suite's rows."""

    def bench(self, *options):
        """The command with a suite of our own."""
        suite = mock.Mock(TITLE="a title", rows=lambda tree, runs: iter(ROWS))
        with mock.patch.object(packages, "ensure"), \
             mock.patch.object(build, "bring_up_to_date"), \
             mock.patch.dict(bench.SUITES, {"boot": suite}):
            status, out, err = exocore("bench", "boot", *options)
        self.assertEqual((status, err), (0, ""))
        return out.splitlines()

    def test_table_has_a_column_for_each_rival(self):
        title, heads, first, second = self.bench()
        self.assertEqual(title, "boot: a title")
        self.assertEqual(heads.split(), ["exocore", "unit", "limit", "Linux"])
        self.assertEqual(first.split(), ["yield", "139", "instructions", "40", "4078"])
        self.assertEqual(second.split(), ["a", "ratio", "1.06", "times", "–", "–"])

    def test_json_is_one_object_a_line_without_empty_fields(self):
        first, second = map(json.loads, self.bench("--json"))
        self.assertEqual(first, {"suite": "boot", **ROWS[0]})
        self.assertEqual(second, {"suite": "boot", **ROWS[1]})

    def test_unknown_suite_is_refused(self):
        status, _, err = exocore("bench", "nosuch")
        self.assertEqual(status, 2)
        self.assertIn("nosuch", err)


class Trace(unittest.TestCase):
    """QEMU's trace of the loader."""

    def test_moves_and_hashing_are_counted_apart_and_the_kernel_not_at_all(self):
        with tempfile.TemporaryDirectory() as folder:
            log, symbols = Path(folder) / "trace", Path(folder) / "map"
            log.write_text(TRACE)
            symbols.write_text(MAP)
            hashes = bench_boot.hashing(symbols)
            self.assertEqual(hashes, range(0x9236, 0xA080))
            self.assertEqual(bench_boot.count_trace(log, hashes),
                             {"own": 2, "hash": 1, "moves": 2})


if __name__ == "__main__":
    unittest.main()
