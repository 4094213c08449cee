# SPDX-License-Identifier: MIT
"""The power goes while the machine itself writes: QEMU is killed at each write, and at each flush,
that the loader and the app make to count a try and to confirm a slot. What is left boots.

A block driver that gives an error at the nth write makes QEMU stop the machine there, before a
byte has reached the disk, and say so; then it is killed. Nobody waits for a time to pass.
EXO_LOADER is the folder with the loader, hello.elf and confirm.elf; EXO_SEED chooses where
sectors are torn.
"""
import json
import os
import pathlib
import random
import select
import shutil
import socket
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
from exocore_cli import image, slots  # noqa: E402
from qemu import Guest  # noqa: E402

LOADER = pathlib.Path(os.environ["EXO_LOADER"])
HELLO = (LOADER / "hello.elf").read_bytes()
CONFIRM = (LOADER / "confirm.elf").read_bytes()
SEED = int(os.environ.get("EXO_SEED", "1"))
STOPS = [word for kind in ("ide-hd", "virtio-blk-device")
         for word in ("-global", f"{kind}.werror=stop")]
SECONDS = 60


def nth_event(event, n):
    """A configuration of blkdebug: the nth `event` and those behind it are errors."""
    rules = [f'[set-state]\nevent = "{event}"\nstate = "{at}"\nnew_state = "{at + 1}"\n'
             for at in range(1, n)]
    return "".join(rules) + f'[inject-error]\nevent = "{event}"\nstate = "{n}"\nerrno = "5"\n'


class Monitor:
    """QEMU's monitor, for the one thing that it has to tell."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + SECONDS
        while self.socket.connect_ex(str(path)) != 0:
            if time.monotonic() > deadline:
                raise TimeoutError("QEMU opens no monitor")
        self.socket.sendall(b'{"execute": "qmp_capabilities"}\n{"execute": "cont"}\n')
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def stopped(self, guest):
        """Waits until the machine has ended (False) or stands still at a write (True)."""
        console = guest.process.stdout
        while True:
            for line in self.text.splitlines():
                if json.loads(line).get("event") == "STOP":
                    return True
            ready = select.select([self.socket, console], [], [], SECONDS)[0]
            if not ready:
                raise TimeoutError(f"the machine neither ends nor stops:\n{guest.log}")
            if console in ready and not guest.read(time.monotonic() + 1):
                return False
            if self.socket in ready:
                self.text += self.whole_lines()

    def whole_lines(self):
        """What came, to the end of a line."""
        text = self.socket.recv(65536)
        while text and not text.endswith(b"\n"):
            text += self.socket.recv(65536)
        return text


class Kill(unittest.TestCase):
    """Slot B was just updated to an app that confirms it."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.path = self.folder / "disk.img"
        self.fresh = self.folder / "fresh.img"
        image.write_image(self.fresh, (LOADER / "stage1.bin").read_bytes(),
                          (LOADER / "stage2.bin").read_bytes(), HELLO, "once", slot_bytes=1 << 20)
        image.write_slot(self.fresh, "B", CONFIRM)

    def slot(self):
        """Slot B as it is on the disk now."""
        with open(self.path, "rb") as file:
            return image.find_slots(file)[1]

    def killed_at(self, event, n, disk):
        """Boots a fresh image and kills QEMU at the nth event; False if there is no such."""
        shutil.copy(self.fresh, self.path)
        config, monitor = self.folder / "blkdebug", self.folder / "monitor"
        config.write_text(nth_event(event, n))
        with Guest(f"blkdebug:{config}:{self.path}", net="none", memory="16M", disk=disk,
                   keep=True, extra=[*STOPS, "-S", "-qmp",
                                     f"unix:{monitor},server=on,wait=off"]) as guest:
            with Monitor(monitor) as qemu:
                return qemu.stopped(guest)  # leaving the block kills it

    def boots(self, disk):
        """Slot B boots and is confirmed, and its state is what the records say it must be."""
        with Guest(self.path, net="none", memory="16M", disk=disk, keep=True) as guest:
            self.assertEqual(guest.wait(SECONDS), 0, guest.log)
            self.assertRegex(guest.log, r"confirm: slot 1\n(\[.*\n)*confirm: 0\n")
        self.assertTrue(self.slot().state.successful)

    def next_write(self):
        """(offset, bytes) of what the machine writes next to this disk."""
        slot = self.slot()
        counted = slot.state.tries < slots.TRIES
        return slot.state_write(**({"successful": True} if counted else
                                   {"tries": slot.state.tries - 1}))

    def tear(self, write, length):
        """The next write reached the disk in part."""
        offset, content = write
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(content[:length])

    def each(self, event, disk):
        """Kills at each event. Returns how many there were."""
        n = 1
        while self.killed_at(event, n, disk):
            with self.subTest(event=event, n=n, disk=disk):
                self.assertEqual(self.slot().state.tries, slots.TRIES - n + 1 if
                                 event == "write_aio" else slots.TRIES - 1)
                left = self.path.read_bytes()
                self.boots(disk)
                lengths = random.Random(SEED * 100 + n).sample(range(1, slots.RECORD), 2)
                for length in lengths if event == "write_aio" else []:
                    self.path.write_bytes(left)
                    self.tear(self.next_write(), length)
                    self.boots(disk)
            n += 1
        self.assertTrue(self.slot().state.successful)  # that run came to its end
        return n - 1

    def test_at_every_write(self):
        for disk in "ide", "virtio":
            self.assertEqual(self.each("write_aio", disk), 2)  # the try, the confirmation

    def test_at_every_flush(self):
        for disk in "ide", "virtio":
            self.assertGreaterEqual(self.each("flush_to_disk", disk), 1)

    def test_writes_are_those_that_are_torn_here(self):
        shutil.copy(self.fresh, self.path)
        for _ in range(2):
            self.tear(self.next_write(), slots.RECORD)
        predicted = self.path.read_bytes()
        shutil.copy(self.fresh, self.path)
        self.boots("ide")
        self.assertEqual(self.path.read_bytes(), predicted)


if __name__ == "__main__":
    unittest.main()
