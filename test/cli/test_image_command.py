# SPDX-License-Identifier: MIT
"""exocore image: which options go together, and what is written."""

import argparse
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here  # noqa: F401  (sets the path)
from exocore_cli import build, image, image_command
from exocore_cli.report import UserError


class ImageCommand(unittest.TestCase):
    """With a made-up app."""

    def setUp(self):
        patch = mock.patch.object(build, "apps", lambda: ["hello"])
        patch.start()
        self.addCleanup(patch.stop)
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def args(self, *words):
        """The parsed command line."""
        parser = argparse.ArgumentParser()
        image_command.add_arguments(parser)
        return parser.parse_args(["hello", *map(str, words)])

    def test_contradictions(self):
        image_file = self.folder / "disk.img"
        image_file.touch()
        qcow2 = self.folder / "disk.bin"
        qcow2.write_bytes(b"QFI\xfb" + bytes(508))
        for words, line in (
                (["--cmdline", "x"], "--cmdline needs -o FILE"),
                (["--format", "vmdk"], "--format needs -o FILE"),
                (["-o", self.folder / "no/disk.img"], "there is no directory"),
                (["-o", self.folder / "none.img", "--slot", "B"], "there is no image"),
                (["-o", image_file, "--slot", "B", "--cmdline", "x"], "leave one out"),
                (["-o", image_file, "--slot", "B", "--format", "iso"], "raw images"),
                (["-o", qcow2, "--slot", "B"], "is a qcow2 one"),
                (["-o", self.folder / "new.qcow2"], "add --format qcow2"),
                (["-o", self.folder / "new.vmdk", "--format", "qcow2"], "add --format vmdk")):
            with self.subTest(words=words), self.assertRaisesRegex(UserError, line):
                image_command.check(self.args(*words))

    def test_good_ones(self):
        image_file = self.folder / "disk.img"
        image_file.touch()
        for words in [], ["-o", self.folder / "new.img"], ["-o", image_file, "--slot", "A"], \
                ["-o", self.folder / "a.qcow2", "--format", "qcow2"]:
            image_command.check(self.args(*words))

    def test_export_writes_the_command_line_and_leaves_nothing_else(self):
        source, output = self.folder / "a.img", self.folder / "b.img"
        content = bytes(65536 + 16) + b"EXOBOOT3" + bytes(1 << 20)
        source.write_bytes(content)
        image_command.export(source, output, "raw", "a=b")
        self.assertEqual(output.read_bytes()[image.CMDLINE_AT:image.CMDLINE_AT + 4], b"a=b\0")
        self.assertEqual(source.read_bytes(), content)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["a.img", "b.img"])


if __name__ == "__main__":
    unittest.main()
