# SPDX-License-Identifier: MIT
"""Missing packages: found by what they bring, installed or named."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here  # noqa: F401  (sets the path)
from exocore_cli import packages
from exocore_cli.report import UserError

ABSENT = {"some-package": "no-such-program-anywhere", "other-package": "/no/such/file"}


class Packages(unittest.TestCase):
    """The needs of a made-up command."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.logs = Path(scratch.name)
        patch = mock.patch.dict(packages.NEEDS, {"fly": {"dash": "sh", **ABSENT}})
        patch.start()
        self.addCleanup(patch.stop)

    def refused(self):
        with self.assertRaises(UserError) as caught:
            packages.ensure("fly", self.logs)
        return str(caught.exception)

    def test_found_by_program_or_file(self):
        self.assertEqual(packages.missing("fly"), list(ABSENT))

    def test_programs_in_sbin_count(self):
        with tempfile.TemporaryDirectory() as sbin:
            program = Path(sbin) / "no-such-program-anywhere"
            program.touch(mode=0o755)
            with mock.patch.object(packages, "SBIN", ":" + sbin):
                self.assertEqual(packages.missing("fly"), ["other-package"])

    def test_without_rights_the_command_is_told(self):
        with mock.patch.object(packages, "root_prefix", lambda: None):
            self.assertIn("sudo apt-get install some-package other-package", self.refused())

    def test_without_apt_the_names_are_told(self):
        with mock.patch.object(packages.shutil, "which", lambda *_, **__: None):
            self.assertIn("some-package", self.refused())

    def test_a_failed_installation_tries_fresh_lists_and_names_the_log(self):
        ran = []

        def fail(title, _command, log, *_):
            ran.append(title)
            log.write_text("E: Unable to locate package some-package\n")
            return 100

        with mock.patch.object(packages, "step", fail), \
                mock.patch.object(packages, "root_prefix", lambda: []):
            line = self.refused()
        self.assertIn("E: Unable to locate package", line)
        self.assertIn("apt-install.log", line)
        self.assertEqual(len(ran), 3)
        self.assertIn("update the package lists", ran)


if __name__ == "__main__":
    unittest.main()
