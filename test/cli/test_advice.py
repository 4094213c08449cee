# SPDX-License-Identifier: MIT
"""What a failed build is told to do."""

import tempfile
import unittest
from pathlib import Path

import here  # noqa: F401  (sets the path)
from exocore_cli import advice


class Advice(unittest.TestCase):
    """By the functions that the linker misses."""

    def of(self, *names):
        with tempfile.TemporaryDirectory() as scratch:
            log = Path(scratch) / "build.log"
            log.write_text("".join(f"ld: a.c:1: undefined reference to `{name}'\n"
                                   for name in names), encoding="utf-8")
            return advice.of(log)

    def test_a_layer_that_uses_does_not_name(self):
        self.assertIn("name mm in", self.of("heap_free", "heap_alloc"))
        self.assertIn("name mm sched in", self.of("sched_init", "heap_free"))

    def test_a_function_that_nobody_has(self):
        self.assertIn("has gettimeofday:", self.of("gettimeofday"))

    def test_a_call_through_a_member_is_no_function_of_the_layer(self):
        self.assertIn("has read, close:", self.of("read", "close"))  # dev/blk.h: ops->read(

    def test_anything_else(self):
        self.assertEqual(self.of(), advice.USUAL)


if __name__ == "__main__":
    unittest.main()
