# SPDX-License-Identifier: MIT
"""exocore bench: rows become a table and JSON, and a trace is counted."""

import contextlib
import io
import json
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from here import exocore
from exocore_cli import bench, bench_boot, bench_linux, bench_primitives, build, packages

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
        suite = mock.Mock(TITLE="a title", NEEDS=["some.elf"],
                          rows=lambda tree, runs: iter(ROWS))
        with mock.patch.object(packages, "ensure"), \
             mock.patch.object(build, "bring_up_to_date") as built, \
             mock.patch.dict(bench.SUITES, {"boot": suite}):
            status, out, err = exocore("bench", "boot", *options)
        self.assertEqual((status, err), (0, ""))
        built.assert_called_once_with("metal", ["some.elf"])
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


class Primitives(unittest.TestCase):
    """Two guests' figures become one table."""

    CONSOLE = """\
[    0.000000] Linux version 6.1
bench: malloc + free, 64 B              37
bench: clock read                       11
bench: broken line
the bench: clock read 12
"""

    def test_figures_are_read_from_a_console_full_of_other_things(self):
        self.assertEqual(bench_primitives.parse(self.CONSOLE),
                         {"malloc + free, 64 B": 37, "clock read": 11})

    def test_linux_of_this_run_stands_in_for_the_stored_one(self):
        malloc, clock, new = bench_primitives.rows_of(
            {"malloc + free, 64 B": 37, "clock read": 11, "something new": 5}, {"clock read": 75})
        self.assertEqual(malloc["rivals"], {"Linux": 133, "Nanos": 132, "Unikraft": 258})
        self.assertEqual((malloc["limit"], malloc["value"]), (40, 37))
        self.assertEqual(clock["rivals"]["Linux"], 75)
        self.assertEqual((new["limit"], new["rivals"]), (None, {}))

    def test_without_linux_one_line_says_why(self):
        errors = io.StringIO()
        with mock.patch.object(bench_linux, "console",
                               side_effect=bench_linux.Unavailable("no network")), \
             contextlib.redirect_stderr(errors):
            self.assertEqual(bench_primitives.linux_figures(), {})
        self.assertEqual(errors.getvalue().count("\n"), 1)
        self.assertIn("no network", errors.getvalue())


class Linux(unittest.TestCase):
    """The guest beside ours, as far as it is made without a network."""

    def test_the_kernels_package_is_found_in_apts_words(self):
        listing = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n"
        self.assertEqual(bench_linux.dependency(listing), "linux-image-6.1.0-56-cloud-amd64")
        with self.assertRaises(bench_linux.Unavailable):
            bench_linux.dependency("N: Unable to locate package\n")

    def test_a_download_that_fails_is_no_error_of_ours(self):
        with tempfile.TemporaryDirectory() as folder, \
             mock.patch.object(bench_linux, "HOME", Path(folder)), \
             mock.patch.object(bench_linux, "kernel_package", lambda: "linux-image-0"), \
             mock.patch.object(bench_linux, "step", lambda *_, **__: 100), \
             mock.patch.object(bench_linux, "cause", lambda _: "E: no route"), \
             self.assertRaisesRegex(bench_linux.Unavailable, "no route"):
            bench_linux.kernel()

    def test_a_kernel_that_was_fetched_is_not_fetched_again(self):
        with tempfile.TemporaryDirectory() as folder, \
             mock.patch.object(bench_linux, "HOME", Path(folder)):
            kernel = Path(folder) / "root" / "boot" / "vmlinuz-1"
            kernel.parent.mkdir(parents=True)
            kernel.touch()
            self.assertEqual(bench_linux.kernel(), kernel)

    def test_the_archive_is_as_the_specification_says(self):
        archive = bench_linux.cpio([("dev/console", 0o020600, 5, 1, b""),
                                    ("init", 0o100755, 0, 0, b"12345")])
        self.assertEqual(len(archive) % 4, 0)
        first, second = archive[:110], archive[124:234]  # 110 bytes, the name, to 4
        self.assertEqual(first[:6], b"070701")
        self.assertEqual(int(first[14:22], 16), 0o020600)
        self.assertEqual((int(first[78:86], 16), int(first[86:94], 16)), (5, 1))
        self.assertEqual(archive[110:122], b"dev/console\0")
        self.assertEqual(int(second[54:62], 16), 5)
        self.assertEqual(archive[234:239] + archive[240:245], b"init\x00" + b"12345")
        self.assertIn(b"TRAILER!!!\0", archive)

    def test_the_program_compiles_as_it_is(self):
        subprocess.run(["gcc", *bench_linux.CFLAGS, "-fsyntax-only", bench_linux.SOURCE],
                       check=True)


if __name__ == "__main__":
    unittest.main()
