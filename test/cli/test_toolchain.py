# SPDX-License-Identifier: MIT
"""A build tree keeps up with the flags of toolchain-x86_64.cmake: one that went on with those of
its first configure would link images that do not boot."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from here import ROOT

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(one LANGUAGES C ASM_NASM)
add_library(one STATIC one.c)
"""


class Toolchain(unittest.TestCase):
    """A project of one file, and the toolchain's file as it was and as it is."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="exocore-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "CMakeLists.txt").write_text(PROJECT, encoding="utf-8")
        (self.root / "one.c").write_text("int one(void);\n", encoding="utf-8")
        self.toolchain = self.root / "toolchain.cmake"
        self.text = (ROOT / "toolchain-x86_64.cmake").read_text(encoding="utf-8")

    def run_cmake(self, *words):
        """Runs it, and expects it to succeed."""
        done = subprocess.run(["cmake", *words], cwd=self.root, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=100)
        self.assertEqual(done.returncode, 0, done.stdout)

    def configure(self, *words):
        """The tree's first time."""
        self.run_cmake("-S", ".", "-B", "tree", "-G", "Ninja", "--toolchain", self.toolchain,
                       *words)

    def build(self):
        """Brings the tree up to date, as ./exocore does; returns (compiler's, linker's) flags."""
        self.run_cmake("--build", "tree")
        cache = (self.root / "tree/CMakeCache.txt").read_text(encoding="utf-8")
        used = (self.root / "tree/build.ninja").read_text(encoding="utf-8")
        self.assertIn(re.search("FLAGS = (.*)", used)[1].strip(), cache)
        return tuple(re.search(f"^CMAKE_{name}_FLAGS:STRING=(.*)$", cache, re.MULTILINE)[1]
                     for name in ("C", "EXE_LINKER"))

    def test_other_flags_are_taken(self):
        old = self.text.replace("-fpie ", "").replace("-static-pie ", "-static ")
        self.toolchain.write_text(old, encoding="utf-8")
        self.configure()
        compiler, linker = self.build()
        self.assertNotIn("-fpie", compiler)
        self.assertIn("-static ", linker)
        self.toolchain.write_text(self.text, encoding="utf-8")
        compiler, linker = self.build()
        self.assertIn("-fpie", compiler)
        self.assertIn("-static-pie", linker)

    def test_a_tree_that_does_not_know_its_flags_takes_ours(self):
        before = self.text[:self.text.index("foreach(flags")]
        self.toolchain.write_text(before.replace("-fpie ", ""), encoding="utf-8")
        self.configure()
        self.assertNotIn("-fpie", self.build()[0])
        self.toolchain.write_text(self.text, encoding="utf-8")
        self.assertIn("-fpie", self.build()[0])

    def test_flags_of_the_user_s_stay(self):
        self.toolchain.write_text(self.text, encoding="utf-8")
        self.configure("-DCMAKE_C_FLAGS=-O1")
        self.toolchain.write_text(self.text + "# a comment\n", encoding="utf-8")
        self.assertEqual(self.build()[0], "-O1")
        self.toolchain.write_text(self.text + "# another\n", encoding="utf-8")
        self.assertEqual(self.build()[0], "-O1")


if __name__ == "__main__":
    unittest.main()
