# SPDX-License-Identifier: MIT
"""The machine description and the test driver's half of it."""

import tempfile
import unittest

import here  # noqa: F401  (sets the path)
from exocore_cli import image, qemu


class Ports(unittest.TestCase):
    """HOST:GUEST[/udp]."""

    def test_parse(self):
        self.assertEqual(qemu.Port.parse("8080:80"), qemu.Port(8080, 80, "tcp"))
        self.assertEqual(qemu.Port.parse("53:53/udp"), qemu.Port(53, 53, "udp"))

    def test_nonsense(self):
        for text in ("", ":", "1:", ":1", "a:1", "1:2/", "1:2:3", "-1:2", "0:1", "1:65536"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                qemu.Port.parse(text)


class ExitStatus(unittest.TestCase):
    """isa-debug-exit's arithmetic."""

    def test_image_statuses_and_qemus_own(self):
        self.assertEqual(qemu.exit_status(33), 0)
        self.assertEqual(qemu.exit_status(235), 101)
        for code in (0, 1, 2, 31, -15):
            self.assertIsNone(qemu.exit_status(code))


class Console(unittest.TestCase):
    """Where the first serial port goes."""

    def test_a_terminals_words_can_be_kept(self):
        plain = qemu.Machine("image").command()
        self.assertEqual(plain[plain.index("-serial") + 1], "stdio")
        kept = qemu.Machine("image", console_log="/tmp/a,b").command()
        self.assertIn("stdio,id=console,logfile=/tmp/a,,b", kept)
        self.assertEqual(kept[kept.index("-serial") + 1], "chardev:console")

    def test_a_file_is_kept_anyway(self):
        command = qemu.Machine("image", serial="file:x", console_log="/tmp/a").command()
        self.assertNotIn("-chardev", command)


class CommandLine(unittest.TestCase):
    """The app's command line inside an image."""

    def test_is_where_the_image_format_has_it(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(b"\xff" * 128 * 1024))
            file.seek(65536 + 16)  # docs/handoff.md §5
            file.write(b"EXOBOOT3")
            file.flush()
            image.set_cmdline(file.name, "a=1 b")
            file.seek(76800)
            self.assertEqual(file.read(image.CMDLINE_BYTES).rstrip(b"\0"), b"a=1 b")
            self.assertEqual(file.read(1), b"\xff")

    def test_is_put_into_nothing_else(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(128 * 1024))
            file.flush()
            with self.assertRaisesRegex(ValueError, "not an image of this version"):
                image.set_cmdline(file.name, "a=1 b")
            file.seek(0)
            self.assertEqual(file.read(), bytes(128 * 1024))

    def test_too_long(self):
        with tempfile.NamedTemporaryFile() as file, self.assertRaises(ValueError):
            image.set_cmdline(file.name, "x" * image.CMDLINE_BYTES)


if __name__ == "__main__":
    unittest.main()
