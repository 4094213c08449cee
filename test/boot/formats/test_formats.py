# SPDX-License-Identifier: MIT
"""Each format of `exocore image`, booted with its command line: test_formats.py IMAGE"""

import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
from exocore_cli import image, image_command  # noqa: E402
from qemu import Guest  # noqa: E402


class Formats(unittest.TestCase):
    """One image, four files."""

    def boots(self, kind, **machine):
        """Exports the image and boots the file."""
        with tempfile.TemporaryDirectory(prefix="exocore-") as folder:
            path = Path(folder) / f"disk.{kind}"
            image_command.export(IMAGE, path, kind, "from=" + kind)
            if kind in ("raw", "iso"):
                self.assertIn(b"from=" + kind.encode(), path.read_bytes()[image.CMDLINE_AT:])
            with Guest(path, net="none", memory="16M", **machine) as guest:
                self.assertEqual(guest.wait(60), 0, guest.log)
                self.assertIn("hello from exocore", guest.log)

    def test_raw(self):
        self.boots("raw")

    def test_qcow2(self):
        self.boots("qcow2", format="qcow2")

    def test_vmdk(self):
        self.boots("vmdk", format="vmdk", disk="scsi")

    def test_iso_as_a_cd_and_as_a_stick(self):
        self.boots("iso", disk="cd")
        self.boots("iso", disk="usb")


if __name__ == "__main__":
    IMAGE = Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
