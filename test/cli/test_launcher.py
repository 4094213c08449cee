# SPDX-License-Identifier: MIT
"""The launcher, on a machine with and without Python."""

import os
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from here import ROOT

TOOLS = ("sh", "dirname", "readlink", "id", "mkdir", "env")


class Launcher(unittest.TestCase):
    """./exocore in a copy of the tree's top, with a PATH of our own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name) / "a tree"
        self.bin = Path(scratch.name) / "bin"
        (self.root / "sdk/bin").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "exocore", self.root)
        (self.root / "sdk/bin/exocore.py").write_text("")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.script(self.bin / "sudo", 'exec "$@"')

    @staticmethod
    def script(path, text):
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def launch(self, program="exocore"):
        return subprocess.run([self.root / program, "one", "two words"], capture_output=True,
                              text=True, check=False, env={"PATH": str(self.bin)}, cwd="/")

    def test_passes_all_arguments_on(self):
        self.script(self.bin / "python3", 'printf "%s|" "$@"')
        self.assertEqual(self.launch().stdout, f"{self.root}/sdk/bin/exocore.py|one|two words|")

    def test_works_through_a_link(self):
        self.script(self.bin / "python3", 'printf "%s" "$1"')
        os.symlink(self.root / "exocore", self.root / "link")
        self.assertEqual(self.launch("link").stdout, f"{self.root}/sdk/bin/exocore.py")

    def test_installs_python(self):
        python = self.bin / "python3"
        self.script(self.bin / "apt-get", f"""
            [ "$1" = install ] || exit 0
            echo '#!/bin/sh' >"{python}"; echo 'echo started' >>"{python}"
            {shutil.which("chmod")} +x "{python}" """)
        done = self.launch()
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "started"))

    def test_half_a_python_is_none(self):
        # Debian's python3-minimal: it starts, and has no json.
        self.script(self.bin / "python3", '[ "$1" = -c ] && exit 1; echo started')
        self.script(self.bin / "apt-get", f"""
            [ "$1" = install ] || exit 0
            echo '#!/bin/sh' >"{self.bin}/python3"; echo 'echo whole' >>"{self.bin}/python3" """)
        done = self.launch()
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "whole"))

    def test_says_so_in_one_line_where_it_cannot(self):
        self.script(self.bin / "apt-get", "echo no network; exit 100")
        done = self.launch()
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertIn("install python3", done.stderr)
        self.assertIn("python3.log", done.stderr)


if __name__ == "__main__":
    unittest.main()
