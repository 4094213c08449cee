# SPDX-License-Identifier: MIT
"""The image maker: what it makes, what it refuses, and what others say of it (sgdisk, fsck,
xorriso). The loader's own tests boot the result."""
import fcntl
import hashlib
import io
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/bin"))
from exocore_cli import gpt, image, slots  # noqa: E402

STAGE1 = b"\xfa" * image.STAGE1_MAX
STAGE2 = b"\0" * image.STAGE2_MAGIC_AT + image.STAGE2_MAGIC + b"\0" * 100
VA = 0xFFFFFFFF80000000


def elf(*loads, tail=b"debug" * 100):
    """An ELF64 file with these (flags, bytes, memsz), a note, and what a debugger would want."""
    headers, body = [], b""
    start = image.EHDR.size + (len(loads) + 1) * image.PHDR.size
    for i, (flags, content, memsz) in enumerate(loads):
        headers.append(image.PHDR.pack(image.PT_LOAD, flags, start + len(body), VA + i * 4096,
                                       0, len(content), memsz, 4096))
        body += content
    headers.append(image.PHDR.pack(4, 4, start, 0, 0, 4, 4, 4))
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    ehdr = image.EHDR.pack(ident, 2, image.EM_X86_64, 1, VA, image.EHDR.size, 999, 0,
                           image.EHDR.size, image.PHDR.size, len(headers), 64, 9, 8)
    return ehdr + b"".join(headers) + body + tail


KERNEL = elf((5, b"code", 4), (6, b"data!", 9000))
OTHER = elf((5, b"other code", 10))


def outside(program, *arguments):
    """What a program of this machine says; the test is left out where it is missing."""
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise unittest.SkipTest(f"no {program} here")
    done = subprocess.run([path, *map(str, arguments)], stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    return done.returncode, done.stdout


class ImageTest(unittest.TestCase):
    """Made in memory."""

    def refuses(self, pattern, stage1=STAGE1, stage2=STAGE2, kernel=KERNEL, cmdline="", **more):
        with self.assertRaisesRegex(ValueError, pattern):
            image.make_image(stage1, stage2, kernel, cmdline, **more)

    def test_stripped_elf_keeps_what_is_loaded(self):
        stripped = image.strip_elf(KERNEL)
        ehdr = image.EHDR.unpack_from(stripped)
        self.assertEqual((ehdr[4], ehdr[10]), (VA, 2))
        self.assertEqual(ehdr[6], 0)  # no section headers
        found = [image.PHDR.unpack_from(stripped, ehdr[5] + i * image.PHDR.size) for i in (0, 1)]
        self.assertEqual([(h[1], h[3], h[6]) for h in found], [(5, VA, 4), (6, VA + 4096, 9000)])
        self.assertEqual([stripped[h[2]:h[2] + h[5]] for h in found], [b"code", b"data!"])
        self.assertNotIn(b"debug", stripped)
        self.assertEqual(image.strip_elf(stripped), stripped)

    def test_loader_and_command_line_are_where_the_loader_looks(self):
        made = image.make_image(STAGE1, STAGE2, KERNEL, "a=b")
        self.assertEqual(len(made) % 4096, 0)
        self.assertEqual(made[:440], STAGE1)
        self.assertEqual(made[510:512], b"\x55\xaa")
        self.assertEqual(made[65536 + 16:65536 + 24], b"EXOBOOT3")
        self.assertEqual(made[76800:76804], b"a=b\0")

    def test_protective_mbr(self):
        made = image.make_image(STAGE1, STAGE2, KERNEL)
        flag, kind, first, count = struct.unpack_from("<B3xB3xII", made, 446)
        self.assertEqual((flag, kind, first, count), (0, 0xEE, 1, len(made) // 512 - 1))
        self.assertEqual(struct.unpack_from("<B3xB", made, 462), (0x80, 0))

    def test_both_tables_and_their_copies_say_the_same(self):
        made = image.make_image(STAGE1, STAGE2, KERNEL)
        found = []
        for sector in 512, 4096:
            for at in sector, len(made) - sector:
                header = made[at:at + 92]
                self.assertEqual(header[:8], b"EFI PART")
                self.assertEqual(zlib.crc32(header[:16] + bytes(4) + header[20:]),
                                 struct.unpack_from("<I", header, 16)[0])
                self.assertEqual(struct.unpack_from("<Q", header, 24)[0] * sector, at)
            guid, partitions = gpt.read(io.BytesIO(made), len(made), sector)
            spoiled = made[:sector] + bytes(sector) + made[2 * sector:]
            self.assertEqual(gpt.read(io.BytesIO(spoiled), len(made), sector), (guid, partitions))
            found.append((guid, partitions))
        self.assertEqual(found[0], found[1])
        self.assertEqual([p.name for p in partitions],
                         ["exocore-bios", "exocore-efi", "exocore-a", "exocore-b"])
        ends = [(p.offset, p.offset + p.bytes) for p in partitions]
        self.assertEqual(ends, sorted(ends))
        self.assertTrue(all(a[1] <= b[0] for a, b in zip(ends, ends[1:])))
        self.assertTrue(all(p.offset % 4096 == 0 and p.bytes % 4096 == 0 for p in partitions))

    def test_slots_of_a_fresh_image(self):
        a, b = image.find_slots(io.BytesIO(image.make_image(STAGE1, STAGE2, KERNEL)))
        self.assertTrue(a.boots() and a.state.successful)
        self.assertFalse(b.boots())
        a, b = image.find_slots(io.BytesIO(image.make_image(STAGE1, STAGE2, KERNEL,
                                                            second_elf=OTHER)))
        self.assertTrue(a.boots() and b.boots())
        self.assertGreater(a.state.priority, b.state.priority)

    def test_slot_header(self):
        made = image.make_image(STAGE1, STAGE2, KERNEL)
        slot, _ = image.find_slots(io.BytesIO(made))
        payload = image.strip_elf(KERNEL)
        head = made[slot.offset:slot.offset + 512]
        self.assertEqual(struct.unpack_from("<8sIIQQ32s", head),
                         (b"EXOSLOT1", 1, 512, len(payload), 12288,
                          hashlib.sha256(payload).digest()))
        self.assertEqual(struct.unpack_from("<I", head, 508)[0], zlib.crc32(head[:508]))
        at = slot.offset + 12288
        self.assertEqual(made[at:at + len(payload)], payload)

    def test_same_parts_same_image(self):
        self.assertEqual(image.make_image(STAGE1, STAGE2, KERNEL, efi=b"MZ"),
                         image.make_image(STAGE1, STAGE2, KERNEL, efi=b"MZ"))
        self.assertNotEqual(image.make_image(STAGE1, STAGE2, KERNEL)[440:444],
                            image.make_image(STAGE1, STAGE2, OTHER)[440:444])

    def test_parts_that_do_not_fit(self):
        self.refuses("stage 1 has 441 bytes, and 440 fit", stage1=STAGE1 + b"x")
        self.refuses("stage 2 has 11265 bytes, and 11264 fit", stage2=STAGE2.ljust(11265, b"\0"))
        self.refuses("stage 2 has no EXOBOOT3 header", stage2=b"\0" * 100)
        self.refuses("slots of 12288 bytes do not hold the kernel", slot_bytes=12288)
        self.refuses("slot B lies over slot A", slot_b_at=1 << 20)

    def test_command_line_that_does_not_fit(self):
        image.make_image(STAGE1, STAGE2, KERNEL, "x" * 1023)
        self.refuses("the command line has 1024 bytes, and 1023 fit", cmdline="x" * 1024)
        self.refuses("the command line has 1024 bytes", cmdline="ä" * 512)
        self.refuses("contains a zero byte", cmdline="a\0b")

    def test_kernel_that_is_none(self):
        self.refuses("not an ELF file", kernel=b"")
        self.refuses("not an ELF file", kernel=b"x" * 1000)
        self.refuses("not an ELF64 file", kernel=KERNEL[:4] + b"\x01" + KERNEL[5:])
        self.refuses("damaged program headers", kernel=KERNEL[:100])
        self.refuses("beyond the file", kernel=elf((5, b"code", 4), tail=b"")[:-1])
        self.refuses("no segment to load", kernel=elf())


class UpdateTest(unittest.TestCase):
    """One slot of an existing image."""

    @staticmethod
    def held(disk, slot):
        """(letter, payload) of a slot."""
        count, = struct.unpack_from("<Q", disk, slot.offset + 16)
        return slot.letter, bytes(disk[slot.offset + 12288:slot.offset + 12288 + count])

    def boots(self, disk):
        """What a loader would take, by docs/handoff.md §6."""
        pair = [slot for slot in image.find_slots(io.BytesIO(disk)) if slot.boots()]
        best = max(pair, key=lambda slot: slot.state.priority, default=None)
        self.assertIsNotNone(best, "nothing boots")
        return self.held(disk, best)

    @staticmethod
    def confirm(disk, index):
        """What core_boot_confirm does."""
        offset, record = image.find_slots(io.BytesIO(disk))[index].state_write(successful=True)
        disk[offset:offset + len(record)] = record

    def update(self, disk, letter, kernel):
        """Applies an update write by write, and holds every torn state against the promise."""
        other = image.find_slots(io.BytesIO(disk))["BA".index(letter)]
        new = (letter, image.strip_elf(kernel))
        good = (self.boots(disk), self.held(disk, other), new)
        for offset, content in image.slot_writes(io.BytesIO(disk), letter, kernel):
            for cut in {1, 17, 508, 511, 512, len(content) // 2, len(content) - 1}:
                torn = bytearray(disk)
                torn[offset:offset + min(cut, len(content))] = content[:cut]
                self.assertIn(self.boots(torn), good, f"{cut} bytes at {offset}")
            disk[offset:offset + len(content)] = content
            self.assertIn(self.boots(disk), good)
        self.assertEqual(self.boots(disk), new)

    def test_something_boots_after_every_torn_write(self):
        disk = bytearray(image.make_image(STAGE1, STAGE2, KERNEL))
        self.update(disk, "B", OTHER)
        a, b = image.find_slots(io.BytesIO(disk))
        self.assertEqual((b.state.tries, b.state.successful), (3, False))
        self.confirm(disk, 1)
        self.update(disk, "A", elf((5, b"third", 5)))
        self.update(disk, "A", elf((5, b"fourth", 6)))
        self.confirm(disk, 0)
        self.update(disk, "B", KERNEL)

    def test_priorities_do_not_run_out(self):
        disk = bytearray(image.make_image(STAGE1, STAGE2, KERNEL))
        for i in range(40):
            self.update(disk, "BA"[i % 2], elf((5, bytes([i]) * 100, 100)))
            self.confirm(disk, 1 - i % 2)
            for slot in image.find_slots(io.BytesIO(disk)):
                self.assertLessEqual(slot.state.priority, slots.PRIORITY_MAX)

    def test_a_kernel_is_not_put_behind_a_loader_of_another_version(self):
        disk = bytearray(image.make_image(STAGE1, STAGE2, KERNEL))
        at = image.STAGE2_AT + image.STAGE2_MAGIC_AT
        disk[at:at + 8] = b"EXOBOOT2"
        with self.assertRaisesRegex(ValueError, "not an image of this version"):
            image.slot_writes(io.BytesIO(disk), "B", OTHER)

    def test_the_last_slot_that_boots_is_not_overwritten(self):
        disk = io.BytesIO(image.make_image(STAGE1, STAGE2, KERNEL))
        with self.assertRaisesRegex(ValueError, "slot B does not boot, so slot A must not be"):
            image.slot_writes(disk, "A", OTHER)

    def test_the_last_confirmed_slot_is_not_overwritten(self):
        disk = bytearray(image.make_image(STAGE1, STAGE2, KERNEL))
        self.update(disk, "B", OTHER)
        with self.assertRaisesRegex(ValueError, "nobody has confirmed slot B yet"):
            image.slot_writes(io.BytesIO(disk), "A", KERNEL)
        self.update(disk, "B", KERNEL)

    def test_kernel_larger_than_the_slot(self):
        disk = io.BytesIO(image.make_image(STAGE1, STAGE2, KERNEL))
        with self.assertRaisesRegex(ValueError, "fit into slot B"):
            image.slot_writes(disk, "B", elf((5, b"x" * (1 << 20), 1 << 20)))

    def test_a_file_that_is_no_image(self):
        for content, line in (bytes(1 << 20), "no partition table"), (b"", "too short"):
            with self.assertRaisesRegex(ValueError, line):
                image.slot_writes(io.BytesIO(content), "A", KERNEL)

    def test_a_table_that_lies(self):
        disk = bytearray(image.make_image(STAGE1, STAGE2, KERNEL))
        for at in 512, len(disk) - 512:
            header = list(gpt.HEADER.unpack_from(disk, at))
            header[10], header[3] = (1 << 64) - 1, 0  # where its entries are
            header[3] = zlib.crc32(gpt.HEADER.pack(*header))
            gpt.HEADER.pack_into(disk, at, *header)
        with self.assertRaisesRegex(ValueError, "a damaged partition table"):
            image.slot_writes(io.BytesIO(disk), "B", OTHER)

    def test_a_slot_that_a_loader_would_not_boot_is_none_to_fall_back_on(self):
        made = image.make_image(STAGE1, STAGE2, KERNEL)
        a, _ = image.find_slots(io.BytesIO(made))
        count = len(image.strip_elf(KERNEL))
        for size, at in ((count, 4096), (count, 12289), (count, a.room), (0, 12288),
                         ((1 << 32) + 1, 12288), (a.room, 12288)):
            with self.subTest(size=size, at=at):
                disk = bytearray(made)
                record = bytearray(disk[a.offset:a.offset + 508])
                struct.pack_into("<QQ", record, 16, size, at)
                record[32:64] = hashlib.sha256(disk[a.offset + at:][:size]).digest()
                disk[a.offset:a.offset + 512] = record + struct.pack("<I", zlib.crc32(record))
                with self.assertRaisesRegex(ValueError, "slot A does not boot"):
                    image.slot_writes(io.BytesIO(disk), "B", OTHER)

    def test_priorities_beyond_the_last_one(self):
        disk = bytearray(image.make_image(STAGE1, STAGE2, KERNEL))
        for priority in 16, 255:
            offset, record = image.find_slots(io.BytesIO(disk))[0].state_write(priority=priority)
            disk[offset:offset + len(record)] = record
            self.update(disk, "B", OTHER)

    def test_a_disk_that_a_machine_runs_from(self):
        with tempfile.TemporaryDirectory(prefix="exocore-") as folder:
            path = pathlib.Path(folder) / "disk.img"
            made = image.make_image(STAGE1, STAGE2, KERNEL)
            path.write_bytes(made)
            with open(path, "rb") as file:  # a shared lock of one byte, as QEMU has them
                lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 100, 1, 0)
                fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
                with self.assertRaisesRegex(ValueError, "is in use"):
                    image.write_slot(path, "B", OTHER)
            self.assertEqual(path.read_bytes(), made)
            image.write_slot(path, "B", OTHER)


class OthersAgree(unittest.TestCase):
    """Programs that know these formats and not us."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        cls.addClassCleanup(scratch.cleanup)
        cls.path = pathlib.Path(scratch.name) / "disk.img"
        image.write_image(cls.path, STAGE1, STAGE2, KERNEL, efi=b"MZ" * 1000)

    def test_sgdisk(self):
        code, said = outside("sgdisk", "-v", self.path)
        self.assertEqual(code, 0, said)
        self.assertIn("No problems found", said)

    def test_fsck_of_the_system_partition(self):
        volume = self.path.with_suffix(".esp")
        _, partitions = gpt.read(io.BytesIO(self.path.read_bytes()), self.path.stat().st_size)
        esp = next(p for p in partitions if p.kind == gpt.ESP)
        volume.write_bytes(self.path.read_bytes()[esp.offset:esp.offset + esp.bytes])
        code, said = outside("fsck.fat", "-n", volume)
        self.assertEqual(code, 0, said)
        code, said = outside("mdir", "-b", "-i", volume, "::/EFI/BOOT")
        self.assertIn("::/EFI/BOOT/BOOTX64.EFI", said)

    def test_xorriso_sees_a_bootable_cd(self):
        code, said = outside("xorriso", "-indev", self.path, "-report_el_torito", "plain",
                             "-find", "/", "-exec", "lsdl")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, r"El Torito boot img : +1 +BIOS +y +none")
        self.assertRegex(said, r"El Torito boot img : +2 +UEFI +y +none")
        self.assertIn("ESP.IMG", said)


if __name__ == "__main__":
    unittest.main()
