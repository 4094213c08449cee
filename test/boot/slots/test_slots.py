# SPDX-License-Identifier: MIT
"""Slots when things go wrong: whatever is damaged, torn or unreadable, what is left boots, and
one line says what was passed over. docs/handoff.md §6.

EXO_LOADER is the folder with the loader and hello, EXO_LOADER_KERNELS the one with small.elf.
Slot A holds hello, slot B the loader's own test kernel, which also checks its handoff block.
"""
import hashlib
import os
import pathlib
import shutil
import struct
import sys
import tempfile
import unittest
import zlib

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
from exocore_cli import gpt, image, slots  # noqa: E402
from qemu import Guest  # noqa: E402

LOADER = pathlib.Path(os.environ["EXO_LOADER"])
KERNELS = pathlib.Path(os.environ["EXO_LOADER_KERNELS"])
A, B = "hello from exocore\n", "OK exocore BIOS loader"
HELLO = (LOADER / "hello.elf").read_bytes()
SMALL = (KERNELS / "small.elf").read_bytes()
NO_SLOT = "exocore: no slot of this disk can be booted\n"
HEX = "[0-9A-F]{2}"


class SlotTest(unittest.TestCase):
    """Images in a folder of their own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.path = self.folder / "disk.img"

    def make(self, first=HELLO, second=SMALL, **more):
        """Writes an image to self.path. Returns its slots."""
        image.write_image(self.path, (LOADER / "stage1.bin").read_bytes(),
                          (LOADER / "stage2.bin").read_bytes(), first, second_elf=second, **more)
        return self.slots()

    def slots(self):
        """Slots A and B as they are on the disk now."""
        with open(self.path, "rb") as file:
            return image.find_slots(file)

    def write(self, offset, content):
        """Writes bytes into the image."""
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(content)

    def flip(self, offset):
        """Flips a bit of the image."""
        with open(self.path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 4]))

    def guest(self, source=None, **machine):
        """A started machine."""
        machine = {"net": "none", "memory": "16M", **machine}
        guest = Guest(source or self.path, **machine)
        self.addCleanup(guest.close)
        return guest

    def boots(self, which, *lines, **machine):
        """Boots, and finds these lines of the loader and then this kernel."""
        guest = self.guest(**machine)
        self.assertEqual(guest.wait(120), 0, guest.log)
        self.assertIn(which, guest.log)
        said = [line for line in guest.log.splitlines() if line.startswith("exocore: slot")]
        self.assertEqual(len(said), len(lines), guest.log)
        for line, pattern in zip(said, lines):
            self.assertRegex(line, f"^exocore: slot {pattern}$")
        guest.close()

    def halts(self, *lines, **machine):
        """Boots, and finds these lines and then a machine that stands still."""
        guest = self.guest(**machine)
        guest.expect("^" + "".join(f"exocore: {line}\n" for line in lines) + r"\Z", 60)
        self.assertIsNone(guest.process.poll(), "the machine ended")
        guest.close()


class Damage(SlotTest):
    """Bytes that are not what they were."""

    def test_flipped_bit_anywhere_in_the_payload(self):
        a, _ = self.make()
        size = len(image.strip_elf(HELLO))
        for at in 200, size // 2, size - 1:
            with self.subTest(at=at):
                self.make()
                self.flip(a.offset + slots.PAYLOAD_AT + at)
                self.boots(B, "A: its SHA-256 is not the one in its header")

    def test_flipped_bit_in_the_header(self):
        for at in 0, 8, 16, 24, 40, 300, 510:
            with self.subTest(at=at):
                a, _ = self.make()
                self.flip(a.offset + at)
                self.boots(B, "A: its header is damaged")

    def put_header(self, slot, payload, size, at, version=1):
        """Writes a header that says this of a payload, and is sound."""
        body = struct.pack("<8sIIQQ32s", slots.MAGIC, version, slots.RECORD, size, at,
                           hashlib.sha256(payload).digest()).ljust(slots.CRC_AT, b"\0")
        self.write(slot.offset, body + struct.pack("<I", zlib.crc32(body)))

    def test_sound_header_that_lies(self):
        payload, damaged = image.strip_elf(HELLO), "A: its header is damaged"
        a, _ = self.make()
        fits = a.room - slots.PAYLOAD_AT
        size, at = len(payload), slots.PAYLOAD_AT
        for lie, line in (
                ((0, at), damaged), ((fits + 1, at), damaged), (((1 << 32) + 1, at), damaged),
                (((1 << 64) - 1, at), damaged), ((size, 0), damaged), ((size, slots.PAGE), damaged),
                ((size, at + 512), damaged), ((size, a.room), damaged),
                ((size, a.room - slots.PAGE), damaged), ((size, (1 << 64) - slots.PAGE), damaged),
                ((size, at, 2), "A: its header is of another version"),
                ((size + 1, at), "A: its SHA-256 is not the one in its header"),
                ((size - 1, at), "A: a kernel segment reaches beyond the kernel file"),
                ((63, at), "A: the kernel is no ELF file")):
            with self.subTest(lie):
                a, _ = self.make()
                self.put_header(a, payload, *lie)
                self.boots(B, line)

    def test_payload_that_lies_further_back(self):
        payload = image.strip_elf(HELLO)
        a, _ = self.make()
        at = (a.room - len(payload)) // slots.PAGE * slots.PAGE
        self.put_header(a, payload, len(payload), at)
        self.write(a.offset + at, payload)
        self.write(a.offset + slots.PAYLOAD_AT, bytes(slots.PAGE))
        self.boots(A)

    def test_states_at_their_limits(self):
        for a_state, b_state, which in (
                ({"priority": 15}, {"priority": 15}, A),  # A before B
                ({"priority": 1}, {"priority": 15}, B),
                ({"priority": 0}, {"priority": 1}, B),
                ({"priority": 1, "successful": False, "tries": 255}, {"priority": 0}, A),
                ({"generation": 1 << 63}, {"generation": 1}, A)):
            with self.subTest(a=a_state, b=b_state):
                pair = self.make()
                for slot, changes in zip(pair, (a_state, b_state)):
                    state = {"generation": 7, "priority": 3, "successful": True, **changes}
                    self.write(slot.offset + 2 * slots.PAGE, slots.State(**state).packed())
                self.boots(which, keep=True)

    def test_of_equal_generations_the_first_copy_counts(self):
        a, _ = self.make()
        for copy, priority in (0, 3), (1, 0):
            self.write(a.offset + slots.PAGE * (1 + copy),
                       slots.State(9, priority, successful=True).packed())
        self.assertEqual(self.slots()[0].state.priority, 3)
        self.boots(A)

    def test_kernel_that_the_loader_refuses(self):
        broken = bytearray(image.strip_elf(HELLO))
        broken[68] = 7  # the first segment: writable and executable
        self.make(first=bytes(broken))
        self.boots(B, "A: a kernel segment is both writable and executable")

    def test_one_copy_of_the_state(self):
        for copy in 0, 1:
            with self.subTest(copy=copy):
                a, _ = self.make()
                self.write(a.offset + slots.PAGE * (1 + copy), b"\xff" * 512)
                if copy == 1:  # a fresh image has one copy: the first
                    self.boots(A)
                else:
                    self.boots(B, "A: both copies of its state are damaged")

    def test_torn_newer_state_leaves_the_older(self):
        a, _ = self.make()
        offset, record = a.state_write(priority=0)
        self.write(offset, record[:300])
        self.boots(A)

    def test_generation_that_has_no_next_one(self):
        """Booted, it would be so again and again: nothing newer could say that it was tried."""
        self.make(second=b"")
        image.write_slot(self.path, "B", SMALL)
        _, b = self.slots()
        for copy in 0, 1:
            state = slots.State(slots.GENERATION_MAX - 1, priority=15, tries=2)
            self.write(b.offset + slots.PAGE * (1 + copy), state.packed())
        self.boots(B, keep=True)
        self.boots(A, "B: its state has the last generation, and no try can be counted")
        with self.assertRaisesRegex(ValueError, "the state of slot B is damaged"):
            image.write_slot(self.path, "B", SMALL)

    def test_truncated_image(self):
        a, b = self.make()
        unreadable = rf"cannot read sector \d+: BIOS error 0x{HEX}"
        for end, check in (
                (b.offset + slots.PAYLOAD_AT + 4096, lambda: self.boots(A)),
                (b.offset, lambda: self.boots(A, f"B: {unreadable}")),
                (a.offset + slots.PAYLOAD_AT + 4096, lambda: self.halts(
                    f"slot B: {unreadable}", f"slot A: {unreadable}", NO_SLOT[9:-1])),
                (a.offset, lambda: self.halts(
                    f"slot A: {unreadable}", f"slot B: {unreadable}", NO_SLOT[9:-1]))):
            with self.subTest(end=end):
                self.make()
                os.truncate(self.path, end)
                check()

    def test_both_slots_bad(self):
        pair = self.make()
        for slot in pair:
            self.flip(slot.offset + slots.PAYLOAD_AT + 500)
        self.halts("slot A: its SHA-256 is not the one in its header",
                   "slot B: its SHA-256 is not the one in its header", NO_SLOT[9:-1])

    def test_first_partition_table_lost(self):
        self.make()
        self.write(512, bytes(512))
        self.boots(A)
        self.make()
        self.flip(16384 + 200)
        self.boots(A)

    def test_no_partition_table(self):
        self.make()
        self.write(512, bytes(512))
        self.write(self.path.stat().st_size - 512, bytes(512))
        self.halts(r"there is no partition table \(GPT\) on this disk")

    def test_nothing_of_a_refused_kernel_is_left(self):
        first = bytearray(image.strip_elf((KERNELS / "large_3m.elf").read_bytes()))
        self.make(first=bytes(first))
        a, _ = self.slots()
        self.flip(a.offset + slots.PAYLOAD_AT + len(first) - 1)
        self.boots(B, "A: its SHA-256 is not the one in its header")  # which finds its bss clear


class Unreadable(SlotTest):
    """Sectors that give errors, again and again."""

    def broken(self, event, offset):
        """The image behind a driver that fails `event` at a byte offset."""
        config = self.folder / "blkdebug"
        config.write_text(f'[inject-error]\nevent = "{event}"\nerrno = "5"\n'
                          f'iotype = "{event.split("_")[0]}"\nsector = "{offset // 512}"\n')
        return f"blkdebug:{config}:{self.path}"

    def test_sector_in_the_kernel(self):
        for disk in "ide", "virtio":
            with self.subTest(disk=disk):
                a, _ = self.make()
                source = self.broken("read_aio", a.offset + slots.PAYLOAD_AT + 8192)
                extra = ["-global", "ide-hd.rerror=report"] if disk == "ide" else \
                    ["-global", "virtio-blk-device.rerror=report"]
                self.boots(B, rf"A: cannot read sector \d+: BIOS error 0x{HEX}", source=source,
                           disk=disk, extra=extra)

    def test_sector_of_the_header(self):
        a, _ = self.make()
        self.boots(B, rf"A: cannot read sector \d+: BIOS error 0x{HEX}",
                   source=self.broken("read_aio", a.offset),
                   extra=["-global", "ide-hd.rerror=report"])

    def test_sector_of_a_state(self):
        """A copy that cannot be read is no worse than a damaged one: a power cut leaves both."""
        no_copy = "B: both copies of its state are damaged"
        for bad, good, which, line in ((1, 0, B, None), (0, 1, B, None), (0, None, A, no_copy),
                                       (1, None, A, rf"B: cannot read sector \d+: .*")):
            with self.subTest(bad=bad, good=good):
                self.make(second=b"")
                image.write_slot(self.path, "B", SMALL)
                _, b = self.slots()
                pages = [b.offset + slots.PAGE * (1 + copy) for copy in (0, 1)]
                state = b.state.packed() if good is not None else bytes(slots.RECORD)
                self.write(pages[1 - bad], state)
                self.boots(which, *[line] if line else [], keep=True,
                           source=self.broken("read_aio", pages[bad]),
                           extra=["-global", "ide-hd.rerror=report"])
                if good is not None:  # and the try is counted, over the one that is bad
                    self.assertEqual(self.slots()[1].state.tries, 2)

    def test_try_that_cannot_be_counted(self):
        self.make(second=b"")
        image.write_slot(self.path, "B", SMALL)
        _, b = self.slots()
        offset, _ = b.state_write()
        self.boots(A, rf"B: cannot write sector \d+: BIOS error 0x{HEX}",
                   source=self.broken("write_aio", offset), keep=True,
                   extra=["-global", "ide-hd.werror=report"])


class Tries(SlotTest):
    """A slot that nobody has confirmed."""

    def test_run_out(self):
        self.make(second=b"")
        image.write_slot(self.path, "B", SMALL)
        for left in 2, 1, 0:
            self.boots(B, keep=True)
            _, b = self.slots()
            self.assertEqual((b.state.tries, b.state.successful), (left, False))
        no_try = "B: it was tried and never confirmed, and has no try left"
        self.boots(A, no_try, keep=True)
        self.boots(A, no_try, keep=True)

    def test_counted_on_every_disk(self):
        for disk in "ide", "virtio", "scsi", "nvme", "usb":
            with self.subTest(disk=disk):
                self.make(second=b"")
                image.write_slot(self.path, "B", SMALL)
                self.boots(B, disk=disk, keep=True)
                self.assertEqual(self.slots()[1].state.tries, 2)

    def test_cd_boots_only_what_is_confirmed(self):
        self.make(second=b"")
        image.write_slot(self.path, "B", SMALL)
        self.boots(A, rf"B: cannot write sector \d+: BIOS error 0x{HEX}", disk="cd")

    def test_confirmed_slot_costs_no_write(self):
        self.make()
        before = self.path.read_bytes()
        self.boots(A, keep=True)
        self.assertEqual(self.path.read_bytes(), before)


class PowerCut(SlotTest):
    """The power goes at any write of a slot update, or in the middle of one."""

    def test_at_every_write(self):
        self.make(second=b"")
        with open(self.path, "rb") as file:
            writes = image.slot_writes(file, "B", SMALL)
        self.assertEqual(len(writes), 4)
        for index, (offset, content) in enumerate(writes):
            copy = self.folder / "cut.img"
            shutil.copy(self.path, copy)
            with open(copy, "r+b") as file:
                file.seek(offset)
                file.write(content[:max(1, len(content) // 2 - 7)])
            with self.subTest(torn=index):
                guest = self.guest(copy)
                self.assertEqual(guest.wait(60), 0, guest.log)
                self.assertIn(A, guest.log)
                guest.close()
            self.write(offset, content)
            with self.subTest(whole=index):
                self.boots(B if index == len(writes) - 1 else A)

    def test_qemu_killed_while_a_try_is_counted(self):
        self.make(second=b"")
        image.write_slot(self.path, "B", SMALL)
        guest = self.guest(keep=True, extra=["-S"])
        guest.close()  # before the first instruction
        guest = self.guest(keep=True)
        guest.expect("OK")
        guest.close()  # at once behind the write
        self.assertIn(self.slots()[1].state.tries, (2, 3))
        self.boots(B, keep=True)


class Far(SlotTest):
    """Disks past 2 TiB: sparse files."""

    AT = 3 << 40

    def far(self):
        """An image whose slot B, the only sound one, lies beyond 32-bit LBAs."""
        a, b = self.make(slot_b_at=self.AT)
        self.assertEqual(b.offset, self.AT)
        self.flip(a.offset + slots.PAYLOAD_AT + 200)

    def test_slot_beyond_2_tib(self):
        for machine, disk in ("pc", "virtio"), ("pc", "ide"), ("q35", "ide"), ("pc", "nvme"):
            with self.subTest(machine=machine, disk=disk):
                self.far()
                self.boots(B, "A: its SHA-256 is not the one in its header", machine=machine,
                           disk=disk)

    def test_bios_that_cannot_count_so_far(self):
        self.make(slot_b_at=self.AT)  # SeaBIOS reads SCSI disks with READ(10)
        self.boots(A, rf"B: cannot read sector {self.AT // 512 + 16}: BIOS error 0x{HEX}",
                   disk="scsi")

    def test_its_second_table_is_beyond_too(self):
        self.far()
        self.write(512, bytes(512))
        self.boots(B, "A: .*", disk="virtio")

    def test_unreadable_sector_is_named_whole(self):
        self.far()
        self.flip(self.AT + slots.PAYLOAD_AT)
        config = self.folder / "blkdebug"
        sector = (self.AT + slots.PAYLOAD_AT) // 512
        config.write_text(f'[inject-error]\nevent = "read_aio"\nerrno = "5"\n'
                          f'sector = "{sector}"\n')
        guest = self.guest(f"blkdebug:{config}:{self.path}", disk="virtio",
                           extra=["-global", "virtio-blk-device.rerror=report"])
        guest.expect(f"^exocore: slot B: cannot read sector {sector}: BIOS error", 60)


if __name__ == "__main__":
    unittest.main()
