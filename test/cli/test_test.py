# SPDX-License-Identifier: MIT
"""exocore test: what the filters choose, from trees of one test each."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here
from exocore_cli import build, packages


class Filters(unittest.TestCase):
    """The trees are ctest's own files, without a build."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        for patch in (mock.patch.object(build, "BUILD", Path(scratch.name)),
                      mock.patch.object(build, "bring_up_to_date"),
                      mock.patch.object(packages, "ensure")):
            patch.start()
            self.addCleanup(patch.stop)
        self.tree("host", 'add_test(unit.fine "true")')
        self.tree("metal", 'add_test(boot.bad "false")')

    def tree(self, name, text):
        (build.BUILD / name).mkdir()
        (build.BUILD / name / "CTestTestfile.cmake").write_text(text, encoding="utf-8")

    def test_a_tree_without_the_chosen_tests_is_passed_over(self):
        status, out, _ = here.exocore("test", "-R", "unit.fine")
        self.assertEqual((status, out), (0, "test host\n"))

    def test_a_failed_test_is_an_error_with_its_log(self):
        status, _, err = here.exocore("test")
        self.assertEqual(status, 1)
        self.assertIn("tests failed in metal", err)
        self.assertIn("LastTest.log", err)

    def test_filters_that_choose_nothing_are_an_error(self):
        status, out, err = here.exocore("test", "-R", "unti.fine")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("no test matches -R unti.fine", err)


if __name__ == "__main__":
    unittest.main()
