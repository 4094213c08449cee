# SPDX-License-Identifier: MIT
"""The recipe of picolibc where it can go wrong: what arrives, and from where."""

import argparse
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here  # noqa: F401  (sets the path)
from exocore_cli import build, picolibc


class Paths(unittest.TestCase):
    """CMake runs in the repository, its user anywhere."""

    def test_are_from_where_the_user_stands(self):
        with mock.patch.dict("os.environ", {"EXOCORE_PICOLIBC_TARBALL": "../p.tar.gz",
                                            "EXOCORE_CACHE": ""}):
            env = build.environment()
        self.assertEqual(env["EXOCORE_PICOLIBC_TARBALL"], str(Path.cwd().parent / "p.tar.gz"))
        self.assertEqual(env["EXOCORE_CACHE"], "")


class Fetch(unittest.TestCase):
    """No tarball is used whose digest is not the known one."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.cache = Path(scratch.name)
        self.log = io.StringIO()
        patches = (mock.patch.dict("os.environ"),
                   mock.patch.object(picolibc, "archive_bases", lambda: ["http://archive/debian"]))
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)
        picolibc.os.environ.pop("EXOCORE_PICOLIBC_TARBALL", None)

    def fetch(self):
        return picolibc.fetch(self.cache, self.log, "the.log")

    def refused(self):
        with self.assertRaises(picolibc.BuildError) as caught:
            self.fetch()
        self.assertIn("the.log", str(caught.exception))
        return str(caught.exception)

    def test_a_named_tarball_must_match(self):
        wrong = self.cache / "wrong.tar.gz"
        wrong.write_bytes(b"something else")
        picolibc.os.environ["EXOCORE_PICOLIBC_TARBALL"] = str(wrong)
        self.assertIn("is not picolibc", self.refused())
        self.assertIn("SHA-256", self.log.getvalue())
        picolibc.os.environ["EXOCORE_PICOLIBC_TARBALL"] = str(self.cache / "absent")
        self.assertIn("does not exist", self.refused())

    def test_each_source_in_turn_and_none_believed(self):
        asked = []

        def deliver(url, target, _log):
            asked.append(url)
            target.write_bytes(b"a login page")
            return True

        with mock.patch.object(picolibc, "download_by_apt", deliver), \
                mock.patch.object(picolibc, "download", deliver):
            self.assertIn("EXOCORE_PICOLIBC_TARBALL", self.refused())
        self.assertEqual(asked, ["http://archive/debian/" + picolibc.POOL_PATH,
                                 picolibc.UPSTREAM])
        self.assertEqual(list(self.cache.iterdir()), [])

    def test_a_match_is_kept(self):
        def deliver(_url, target, _log):
            target.write_bytes(b"right")
            return True

        right = picolibc.hashlib.sha256(b"right").hexdigest()
        with mock.patch.object(picolibc, "SHA256", right), \
                mock.patch.object(picolibc, "download_by_apt", deliver):
            self.assertEqual(self.fetch(), self.cache / picolibc.TARBALL)
        with mock.patch.object(picolibc, "SHA256", right):
            self.assertEqual(self.fetch(), self.cache / picolibc.TARBALL)

    def test_unreachable_is_logged(self):
        self.assertFalse(picolibc.download("http://127.0.0.1:9/x", self.cache / "x", self.log))
        self.assertIn("127.0.0.1:9", self.log.getvalue())


class Recipe(unittest.TestCase):
    """The name of a result."""

    def test_changes_with_the_flags_only(self):
        key = picolibc.recipe_key("gcc", ["-O2"])
        self.assertEqual(key, picolibc.recipe_key("gcc", ["-O2"]))
        self.assertNotEqual(key, picolibc.recipe_key("gcc", ["-Os"]))

    def test_a_result_that_is_there_is_taken(self):
        with tempfile.TemporaryDirectory() as cache:
            args = argparse.Namespace(cache=cache, cc="gcc", ar="ar")
            name = f"picolibc-{picolibc.VERSION}-{picolibc.recipe_key('gcc', [])}"
            (Path(cache) / name).mkdir()
            self.assertEqual(picolibc.provide(args, []), Path(cache).resolve() / name)


if __name__ == "__main__":
    unittest.main()
