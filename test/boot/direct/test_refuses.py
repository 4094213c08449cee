#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the direct road says, in one line, where it cannot go on: test_refuses.py BUILD"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest  # noqa: E402  (the path above comes first)

BUILD = Path(sys.argv.pop(1))


class Refuses(unittest.TestCase):
    """The machine halts behind the line; it does not reset."""

    def says(self, line, *extra):
        """Boots hello with these arguments of QEMU and expects the line."""
        with Guest(BUILD / "hello.elf", firmware="direct", net="none", extra=list(extra)) as guest:
            guest.expect(f"^exocore: {line}$", seconds=30)
            self.assertIsNone(guest.process.poll())

    def test_a_cpu_without_no_execute_pages(self):
        self.says(r"this CPU is not 64-bit \(x86-64\), or has no NX pages",
                  "-cpu", "qemu64,nx=off")

    def test_a_cpu_of_32_bits(self):
        self.says(r"this CPU is not 64-bit \(x86-64\), or has no NX pages",
                  "-cpu", "qemu64,lm=off")


if __name__ == "__main__":
    unittest.main()
