# SPDX-License-Identifier: MIT
"""core_boot_confirm, seen from the disk: the slot is successful, and nothing else changed.

EXO_LOADER is the folder with the loader, confirm.elf and hello.elf.
"""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
from exocore_cli import image  # noqa: E402
from qemu import Guest  # noqa: E402

LOADER = pathlib.Path(os.environ["EXO_LOADER"])
CONFIRM = (LOADER / "confirm.elf").read_bytes()
HELLO = (LOADER / "hello.elf").read_bytes()
ENOTSUP, ENODEV = -95, -19


class Confirm(unittest.TestCase):
    """An image whose slot B was just updated to an app that confirms it."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name) / "disk.img"

    def make(self, words):
        """A fresh image; the app confirms as often as there are words."""
        image.write_image(self.path, (LOADER / "stage1.bin").read_bytes(),
                          (LOADER / "stage2.bin").read_bytes(), HELLO, words,
                          slot_bytes=1 << 20)
        image.write_slot(self.path, "B", CONFIRM)

    def state(self):
        """Slot B's state now."""
        with open(self.path, "rb") as file:
            return image.find_slots(file)[1].state

    def boot(self, **machine):
        """Boots with what is written kept. Returns the console."""
        with Guest(self.path, **{"net": "none", "memory": "16M", "keep": True, **machine}) as guest:
            self.assertEqual(guest.wait(60), 0, guest.log)
            return guest.log

    def test_marks_the_slot_successful(self):
        for machine, disk in ("pc", "ide"), ("pc", "virtio"), ("q35", "ide"), ("q35", "virtio"):
            with self.subTest(machine=machine, disk=disk):
                self.make("once")
                log = self.boot(machine=machine, disk=disk)
                self.assertRegex(log, r"confirm: slot 1\n(\[.*\n)*confirm: 0\n")
                state = self.state()
                self.assertTrue(state.successful)
                before = self.path.read_bytes()
                self.assertIn("confirm: slot 1\n", self.boot(machine=machine, disk=disk))
                self.assertEqual(self.path.read_bytes(), before)

    def test_twice_writes_once(self):
        self.make("once twice")
        first = self.state().generation
        self.assertIn("confirm: 0\nconfirm: 0\n", self.boot())
        self.assertEqual(self.state().generation, first + 2)  # the try, and the confirmation

    def test_writes_one_sector(self):
        self.make("once")
        before = self.path.read_bytes()
        self.boot(disk="virtio")
        after = self.path.read_bytes()
        changed = {at // 512 for at in range(0, len(after), 512)
                   if before[at:at + 512] != after[at:at + 512]}
        self.assertEqual(len(changed), 2)  # both copies of one state

    def test_finds_its_disk_among_others(self):
        self.make("once")
        other = self.path.with_name("other.img")
        shutil.copy(LOADER / "hello.img", other)
        before = other.read_bytes()
        extra = ["-drive", f"file={other},format=raw,if=none,id=other",
                 "-device", "virtio-blk-pci,drive=other"]
        self.assertIn("confirm: 0\n", self.boot(disk="ide", extra=extra))
        self.assertTrue(self.state().successful)
        self.assertEqual(other.read_bytes(), before)

    def test_first_partition_table_lost(self):
        """The loader takes the copy at the disk's end, and so does the app."""
        for disk in "ide", "virtio":
            with self.subTest(disk=disk):
                self.make("once")
                with open(self.path, "r+b") as file:
                    file.seek(512)
                    file.write(bytes(512))
                self.assertIn("confirm: 0\n", self.boot(disk=disk))
                self.assertTrue(self.state().successful)

    def test_disk_without_a_driver(self):
        self.make("once")
        self.assertIn(f"confirm: {ENOTSUP}\n", self.boot(disk="nvme"))
        self.assertFalse(self.state().successful)

    def test_disk_that_does_not_take_it(self):
        self.make("once")
        with open(self.path, "rb") as file:
            slot = image.find_slots(file)[1]
        slot.state_write()  # the try that the loader counts
        offset, _ = slot.state_write()
        config = self.path.with_suffix(".blkdebug")
        config.write_text(f'[inject-error]\nevent = "write_aio"\nerrno = "5"\n'
                          f'sector = "{offset // 512}"\n')
        for disk in "ide", "virtio":
            with self.subTest(disk=disk):
                self.make("once")
                with Guest(f"blkdebug:{config}:{self.path}", net="none", memory="16M", disk=disk,
                           keep=True, extra=["-global", "ide-hd.werror=report", "-global",
                                             "virtio-blk-device.werror=report"]) as guest:
                    self.assertEqual(guest.wait(60), 0, guest.log)
                    self.assertIn("confirm: -5\n", guest.log)
                self.assertFalse(self.state().successful)


if __name__ == "__main__":
    unittest.main()
