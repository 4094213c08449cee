#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the direct road says, in one line, where it cannot go on: test_refuses.py BUILD"""

import struct
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
from exocore_cli import elf  # noqa: E402  (the path above comes first)
from qemu import Guest  # noqa: E402

BUILD = Path(sys.argv.pop(1))


class Refuses(unittest.TestCase):
    """The machine halts behind the line; it does not reset."""

    def says(self, line, *extra, kernel=BUILD / "hello.elf"):
        """Boots hello, or that kernel, with these arguments of QEMU and expects the line."""
        with Guest(kernel, firmware="direct", net="none", extra=list(extra)) as guest:
            guest.expect(f"^exocore: {line}$", seconds=30)
            self.assertIsNone(guest.process.poll())

    def test_a_cpu_without_no_execute_pages(self):
        self.says(r"this CPU is not 64-bit \(x86-64\), or has no NX pages",
                  "-cpu", "qemu64,nx=off")

    def test_a_cpu_of_32_bits(self):
        self.says(r"this CPU is not 64-bit \(x86-64\), or has no NX pages",
                  "-cpu", "qemu64,lm=off")

    def test_damaged_relocations(self):
        kernel = (BUILD / "hello.elf").read_bytes()
        parsed = elf.Elf(kernel)
        loads, at = parsed.loads(), parsed.section(".relr.dyn").offset
        start, end = loads[0].vaddr, loads[-1].vaddr + loads[-1].memsz + 4095 & -4096
        # No memory of ours, a bitmap that comes first, words before, across and behind its ends.
        for value in 0, 3, start - 8, start - 4, end - 4, end, (1 << 64) - 8:
            with self.subTest(value=hex(value)), tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "hello.elf"
                path.write_bytes(kernel[:at] + struct.pack("<Q", value) + kernel[at + 8:])
                self.says("the kernel's relocations are damaged", kernel=path)


if __name__ == "__main__":
    unittest.main()
