# SPDX-License-Identifier: MIT
"""exocore test: what the filters choose, and what is built for it, from trees of a few files."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here
from exocore_cli import build, packages

NINJA = """\
rule touch
  command = touch $out
build web.img web.json: touch
build hello.img: touch
build tools/ask: touch
build tools/all: phony tools/ask
build all: phony web.img hello.img tools/all
"""


class Trees(unittest.TestCase):
    """Trees of ctest's own files and ninja's, without CMake. `built` has what was asked for."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.built = []
        for patch in (mock.patch.object(build, "BUILD", Path(scratch.name)),
                      mock.patch.object(build, "configure"),
                      mock.patch.object(build, "bring_up_to_date",
                                        lambda tree, targets: self.built.append((tree, targets))),
                      mock.patch.object(packages, "ensure")):
            patch.start()
            self.addCleanup(patch.stop)
        self.tree("host", 'add_test(unit.fine "true")')
        self.tree("metal", 'add_test(boot.bad "false")')

    def tree(self, name, text):
        (build.BUILD / name).mkdir(exist_ok=True)
        (build.BUILD / name / "CTestTestfile.cmake").write_text(text, encoding="utf-8")
        (build.BUILD / name / "build.ninja").write_text(NINJA, encoding="utf-8")


class Filters(Trees):
    """The choice."""

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
        self.assertEqual(self.built, [])


class Needs(Trees):
    """What is built before the tests run."""

    def needs(self, *words, environment=""):
        """Of a test with this command: what is built in the tree metal."""
        command = " ".join(f'"{word}"' for word in words)
        self.tree("metal", f"add_test(boot.it {command})\n"
                  f'set_tests_properties(boot.it PROPERTIES ENVIRONMENT "{environment}")')
        here.exocore("test", "-R", "boot.it")
        return dict(self.built).get("metal", [])

    def test_files_that_the_command_names(self):
        metal = build.BUILD / "metal"
        self.assertEqual(self.needs("true", f"{metal}/web.img", f"--more={metal}/tools/ask,x"),
                         ["tools/ask", "web.img"])

    def test_a_folder_is_all_that_is_made_in_it(self):
        self.assertEqual(self.needs("true", f"{build.BUILD}/metal/tools"), ["tools/all"])

    def test_the_tree_is_everything(self):
        self.assertEqual(self.needs("true", f"{build.BUILD}/metal"), ["all"])

    def test_the_environment_counts(self):
        self.assertEqual(self.needs("true", environment=f"LOADER={build.BUILD}/metal"), ["all"])

    def test_what_the_build_does_not_make_is_not_asked_for(self):
        self.assertEqual(self.needs("true", f"{build.BUILD}/metal/layers.txt",
                                    f"{build.BUILD}/metal2/web.img"), [])

    def test_a_program_that_is_not_there_yet_may_be_anything(self):
        self.assertEqual(self.needs(f"{build.BUILD}/metal/unit_new"), ["all"])


if __name__ == "__main__":
    unittest.main()
