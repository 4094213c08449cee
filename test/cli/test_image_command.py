# SPDX-License-Identifier: MIT
"""exocore image: which options go together, and what is written."""

import argparse
import errno
import os
import resource
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here  # noqa: F401  (sets the path)
from exocore_cli import build, image, image_command, run, sign
from exocore_cli.report import UserError


class ImageCommand(unittest.TestCase):
    """With a made-up app."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        for name, value in ("apps", lambda: ["hello"]), ("BUILD", self.folder / "build"):
            patch = mock.patch.object(build, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def args(self, *words):
        """The parsed command line."""
        parser = argparse.ArgumentParser()
        image_command.add_arguments(parser)
        return parser.parse_args(["hello", *map(str, words)])

    def test_contradictions(self):
        image_file = self.folder / "disk.img"
        image_file.touch()
        os.mkfifo(self.folder / "fifo")
        (self.folder / "build/hello").mkdir(parents=True)
        qcow2 = self.folder / "disk.bin"
        qcow2.write_bytes(b"QFI\xfb" + bytes(508))
        for words, line in (
                (["--cmdline", "x"], "--cmdline needs -o FILE"),
                (["--format", "vmdk"], "--format needs -o FILE"),
                (["-o", self.folder / "no/disk.img"], "there is no directory"),
                (["-o", self.folder], "is a directory: name a file"),
                (["-o", ""], "is a directory: name a file"),
                (["-o", self.folder / "fifo"], "is a device, or no file"),
                (["-o", "/dev/null"], "is a device, or no file"),
                (["-o", self.folder / "build/hello/hello.img"], "belongs to the build"),
                (["-o", image_file, "--cmdline", "x" * 1024], "1023 fit"),
                (["-o", image_file, "--cmdline", "\udcff"], "not UTF-8 text"),
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

    def test_a_slot_may_be_on_a_disk_itself(self):
        device = self.folder / "device"
        device.touch()
        args = self.args("-o", device, "--slot", "B")
        with mock.patch.object(Path, "is_file", lambda path: False), \
                mock.patch.object(Path, "is_block_device", lambda path: True):
            image_command.check(args)

    def test_export_writes_the_command_line_and_leaves_nothing_else(self):
        source, output = self.folder / "a.img", self.folder / "b.img"
        content = bytes(65536 + 16) + b"EXOBOOT3" + bytes(1 << 20)
        source.write_bytes(content)
        image_command.export(source, output, "raw", "a=b")
        self.assertEqual(output.read_bytes()[image.CMDLINE_AT:image.CMDLINE_AT + 4], b"a=b\0")
        self.assertEqual(source.read_bytes(), content)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["a.img", "b.img"])

    def source(self):
        """The build's image, as far as the command looks at it."""
        path = self.folder / "source.img"
        if not path.exists():
            path.write_bytes(bytes(65536 + 16) + b"EXOBOOT3" + bytes(1 << 20))
        return path

    def written(self, *words):
        """The command, without a build."""
        files = {"image": self.source(), "elf": self.source(), "bytes": {}}
        with mock.patch.multiple(build, bring_up_to_date=lambda app: None,
                                 manifest=lambda app: files), \
                mock.patch.object(image_command.packages, "ensure"):
            image_command.write(self.args(*words))

    def test_a_link_stays_and_what_it_names_is_written(self):
        link, target = self.folder / "link.img", self.folder / "target.img"
        target.write_bytes(b"old")
        link.symlink_to(target.name)
        self.written("-o", link)
        self.assertTrue(link.is_symlink())
        self.assertGreater(target.stat().st_size, 1 << 20)

    def test_what_fails_leaves_the_file_as_it_was_and_nothing_beside_it(self):
        output = self.folder / "disk.img"
        output.write_bytes(b"old")
        for error in OSError(errno.ENOSPC, "full"), KeyboardInterrupt, run.Terminated("SIGTERM"):
            with mock.patch.object(image, "set_cmdline", side_effect=error), \
                    self.assertRaises(BaseException):
                self.written("-o", output, "--cmdline", "a=b")
        self.assertEqual(output.read_bytes(), b"old")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["disk.img", "source.img"])

    def test_a_full_disk_is_named_by_the_file_that_was_to_be_written(self):
        """Not by the one that it is a copy of."""
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
        self.source()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, limits[1]))
        with self.assertRaisesRegex(UserError, "full.img: File too large"):
            self.written("-o", self.folder / "full.img")

    def test_termination_is_an_exit_status(self):
        args = self.args("-o", self.folder / "disk.img")
        with mock.patch.object(image_command, "write", side_effect=run.Terminated("SIGTERM")), \
                mock.patch.object(run, "end_by_exception"), \
                self.assertRaisesRegex(UserError, "ended by SIGTERM") as caught:
            image_command.run(args)
        self.assertEqual(caught.exception.status, 128 + 15)

    def test_a_key_that_is_none_is_noticed_before_the_slot_is_written(self):
        disk = self.folder / "disk.img"
        disk.touch()
        with mock.patch.object(sign, "signed_loader", side_effect=ValueError("no key")), \
                mock.patch.object(image, "write_slot") as write_slot, \
                self.assertRaisesRegex(UserError, "no key"):
            self.written("-o", disk, "--slot", "B", "--sign", disk, disk)
        write_slot.assert_not_called()


if __name__ == "__main__":
    unittest.main()
