# SPDX-License-Identifier: MIT
"""The loader, seen from outside: kernel.asm's verdict on many machines, and one clear line
for each thing that can be wrong.

EXO_LOADER is the folder with stage1.bin and stage2.bin, EXO_LOADER_KERNELS the one with what
this folder's CMakeLists.txt builds.
"""
import os
import pathlib
import re
import struct
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
from exocore_cli import elf, esp, image, slots  # noqa: E402
from qemu import Guest  # noqa: E402

LOADER = pathlib.Path(os.environ["EXO_LOADER"])
KERNELS = pathlib.Path(os.environ["EXO_LOADER_KERNELS"])
SLOT_A = image.ESP_AT + esp.GRAIN  # in images without a UEFI loader
KERNEL = SLOT_A + slots.PAYLOAD_AT  # offset of the kernel file
CHUNK = 15 * 4096
TRUE_SECTOR = 126 * image.SECTOR  # where chain.inc looks for the true boot sector
NO_SLOT = "exocore: no slot of this disk can be booted\n"
EHDR, PHDR = 64, 56
DT_RELASZ, DT_RELRSZ, DT_RELR, DT_RELRENT = 8, 35, 36, 37
DAMAGED = "the kernel's relocations are damaged"
OTHER_KIND = "the kernel has relocations of another kind than DT_RELR"


class LoaderTest(unittest.TestCase):
    """Makes images in a folder of its own and boots them."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name) / "disk.img"

    def make(self, kernel="small", cmdline=""):
        """An image of one of the test kernels, to be spoiled."""
        return bytearray(image.make_image(
            (LOADER / "stage1.bin").read_bytes(), (LOADER / "stage2.bin").read_bytes(),
            (KERNELS / f"{kernel}.elf").read_bytes(), cmdline))

    def meddled(self, name):
        """An image that boots a sector of this folder first, and through it the loader."""
        content = self.make()
        content[TRUE_SECTOR:TRUE_SECTOR + image.SECTOR] = content[:image.SECTOR]
        sector = (KERNELS / f"{name}.bin").read_bytes()
        content[:len(sector)] = sector
        return content

    def boot(self, content, **machine):
        """A started guest, with a disk of this content."""
        self.path.write_bytes(content)
        guest = Guest(self.path, **{"net": "none", "memory": "16M", **machine})
        self.addCleanup(guest.close)
        return guest

    def accepts(self, content, **machine):
        """Boots, and returns the console of a kernel that found all as promised."""
        guest = self.boot(content, **machine)
        self.assertEqual(guest.wait(120), 0, guest.log)
        self.assertTrue(guest.log.startswith("OK exocore BIOS loader"), guest.log)
        return guest.log

    def refuses(self, content, line, **machine):
        """Boots, and waits for exactly this line of the loader."""
        guest = self.boot(content, **machine)
        guest.expect(f"^exocore: {line}\n", 30)
        self.assertEqual(guest.log.count("\n"), 1, guest.log)

    def passes_over(self, content, line, **machine):
        """Boots an image with one kernel, which the loader refuses with this line."""
        guest = self.boot(content, **machine)
        guest.expect(f"^exocore: slot A: {line}\n{NO_SLOT}", 30)
        self.assertEqual(guest.log.count("\n"), 2, guest.log)


class Boots(LoaderTest):
    """Machines that must reach the kernel, with everything as docs/handoff.md says."""

    def test_smallest_memory(self):
        for machine in "pc", "q35":
            with self.subTest(machine=machine):
                self.accepts(self.make(), machine=machine, memory="2M")

    def test_memory_beyond_4_gib(self):
        for machine in "pc", "q35":
            with self.subTest(machine=machine):
                self.accepts(self.make(), machine=machine, memory="5G")

    def test_every_disk_with_several_chunks(self):
        for machine, disk in ("pc", "ide"), ("pc", "virtio"), ("q35", "ide"), ("q35", "virtio"):
            with self.subTest(machine=machine, disk=disk):
                self.accepts(self.make("large_3m"), machine=machine, disk=disk)

    def test_usb_disk(self):
        self.accepts(self.make("large_3m"), disk="usb")

    def test_40_mib_kernel(self):
        self.accepts(self.make("large_40m"), memory="64M", disk="virtio")

    def test_64_mib_at_another_address(self):
        log = self.accepts(self.make("elsewhere"), memory="80M")  # with all 33 page tables
        self.assertIn("low_end=000000000004c000", log)

    def test_kernel_moves(self):
        """Each boot to another page of the top 2 GiB; every address in it along."""
        found = {re.search("kernel_va=(.*)", self.accepts(self.make("moving")))[1]
                 for _ in range(4)}
        self.assertGreater(len(found), 2)  # of half a million places
        for va in found:
            self.assertRegex(va, "^ffffffff[89a-f][0-9a-f]{4}000$")

    def test_kernel_moves_by_the_clock_alone(self):
        log = self.accepts(self.make("moving"), extra=["-cpu", "qemu64,-rdrand"])
        self.assertNotIn("kernel_va=ffffffff80000000\n", log)

    def test_nokaslr_keeps_the_kernel_where_it_is_linked(self):
        log = self.accepts(self.make("moving", cmdline="a nokaslr b"))
        self.assertIn("kernel_va=ffffffff80000000\n", log)

    def test_command_line_arrives(self):
        for cmdline in "", "a=1 b='two words'", "x" * (image.CMDLINE_BYTES - 1):
            with self.subTest(cmdline=cmdline[:16]):
                self.assertIn(f"cmdline={cmdline}\n", self.accepts(self.make(cmdline=cmdline)))

    def test_oldest_and_newest_cpu(self):
        for cpu in "qemu64", "max":
            with self.subTest(cpu=cpu):
                self.accepts(self.make(), extra=["-cpu", cpu])

    def test_counted_instructions(self):
        self.accepts(self.make(), extra=["-icount", "shift=0,sleep=off"])

    def test_without_keyboard_controller(self):
        self.accepts(self.make(), machine="pc,i8042=off")

    def test_without_uart(self):
        guest = self.boot(self.make(), serial="none")
        self.assertEqual(guest.wait(60), 0)

    def test_one_read_error_is_retried(self):
        for offset in image.STAGE2_AT, 512, SLOT_A + slots.PAGE, KERNEL:
            with self.subTest(offset=offset):
                self.path.write_bytes(self.make())
                config = self.path.with_suffix(".blkdebug")
                config.write_text('[inject-error]\nevent = "read_aio"\nonce = "on"\n'
                                  f'errno = "5"\nsector = "{offset // image.SECTOR}"\n')
                guest = Guest(f"blkdebug:{config}:{self.path}", net="none", memory="16M",
                              extra=["-global", "ide-hd.rerror=report"])
                self.addCleanup(guest.close)
                self.assertEqual(guest.wait(120), 0, guest.log)

    def test_a20_is_opened(self):
        for way in "bios", "keyboard":
            with self.subTest(way=way):
                self.accepts(self.meddled(f"a20_{way}"))

    def test_kernel_goes_where_the_map_allows(self):
        log = self.accepts(self.meddled("e820_hole"))
        self.assertIn("kernel_pa=0000000000524000\n", log)  # behind 0x523456, on a page

    def test_memory_map_of_400_entries(self):
        self.accepts(self.meddled("e820_many"))

    def test_bios_without_edd(self):
        self.accepts(self.meddled("no_edd"))

    def test_no_more_low_memory_than_it_needs(self):
        self.accepts(self.meddled("low_memory_304"))

    def test_second_disk_and_a_careless_boot_manager(self):
        first = self.path.with_name("first.img")
        first.write_bytes((KERNELS / "other_drive.bin").read_bytes())
        self.accepts(self.make(), disk="none", extra=[
            "-drive", f"file={first},format=raw,if=none,id=first,snapshot=on",
            "-device", "ide-hd,drive=first,bootindex=0", "-device", "ide-hd,drive=disk"])

    def test_sectors_of_4096_bytes(self):
        self.accepts(self.meddled("sectors_4096"))

    def test_each_port_opens_a20(self):
        sector = (KERNELS / "a20_methods.bin").read_bytes()
        guest = self.boot(sector.ljust(SLOT_A, b"\0"))
        self.assertEqual(guest.wait(60), 0, guest.log)
        self.assertEqual(guest.log, "sKosPo")


class Refuses(LoaderTest):
    """Things that are wrong, and the line that says so."""

    def spoil(self, offset, fmt, *values, kernel="small"):
        """A kernel's image with values written into its kernel file, and a header that
        finds this right."""
        disk = self.make(kernel)
        struct.pack_into(fmt, disk, KERNEL + offset, *values)
        count, = struct.unpack_from("<Q", disk, SLOT_A + 16)
        disk[SLOT_A:SLOT_A + slots.RECORD] = slots.header(disk[KERNEL:KERNEL + count])
        return disk

    def test_cpu_without_long_mode(self):
        for cpu in "qemu32", "pentium3", "486":
            with self.subTest(cpu=cpu):
                self.refuses(self.make(), r"this CPU is not 64-bit \(x86-64\)", extra=["-cpu", cpu])

    def test_cpu_without_nx(self):
        self.refuses(self.make(), "this CPU has no NX pages .*", extra=["-cpu", "qemu64,-nx"])

    def test_bios_without_memory_map(self):
        self.refuses(self.meddled("e820_none"), r"this BIOS gives no memory map .*")

    def test_too_little_low_memory(self):
        self.refuses(self.meddled("low_memory_303"), "less than 304 KiB of memory below the BIOS's")

    def test_memory_map_without_end(self):
        for name in "e820_endless", "e820_empty":
            with self.subTest(name):
                self.refuses(self.meddled(name), "the memory map has more than 512 entries")

    def test_disk_of_one_sector(self):
        self.refuses(self.make()[:image.SECTOR], "no stage 2: BIOS status 0x[0-9A-F]{2}",
                     disk="ide")

    def test_no_stage_2(self):
        disk = self.make()[:image.SECTOR].ljust(SLOT_A, b"\0")
        self.refuses(disk, "no stage 2: BIOS status 0x00")

    def test_no_boot_magic(self):
        for at in 3, 7:
            with self.subTest(at=at):
                disk = self.make()
                disk[image.STAGE2_AT + image.STAGE2_MAGIC_AT + at] ^= 1
                self.refuses(disk, "no stage 2: BIOS status 0x00")

    def test_kernel_cut_off(self):
        lba = (KERNEL + 10 * CHUNK) // image.SECTOR
        content = self.make("large_3m")
        content = content[:(lba + 40) * image.SECTOR]
        for disk in "ide", "virtio":
            with self.subTest(disk=disk):
                guest = self.boot(content, disk=disk)
                guest.expect(f"^exocore: slot A: cannot read sector {lba}: "
                             f"BIOS error 0x[0-9A-F]{{2}}\n{NO_SLOT}", 30)

    def test_too_little_memory(self):
        self.passes_over(self.make("large_40m"), r"the kernel needs 40\d{3} KiB of memory "
                         r"in one piece and there are 1[45]\d{3} KiB")

    def test_kernel_that_is_no_elf(self):
        self.passes_over(self.spoil(0, "<I", 0), "the kernel is no ELF file")

    def test_kernel_for_another_machine(self):
        for offset, fmt, value in (4, "B", 1), (5, "B", 2), (18, "<H", 183):
            with self.subTest(offset=offset):
                self.passes_over(self.spoil(offset, fmt, value),
                                 "the kernel is no ELF64 for x86-64")

    def test_kernel_that_is_relocatable(self):
        self.passes_over(self.spoil(16, "<H", 3),
                         r"the kernel is not linked statically \(ELF type EXEC\)")

    def test_damaged_program_headers(self):
        for offset, fmt, value in ((32, "<Q", CHUNK), (32, "<Q", (1 << 64) - 1),
                                   (54, "<H", 32), (56, "<H", 33), (56, "<H", 65535)):
            with self.subTest(offset=offset, value=value):
                self.passes_over(self.spoil(offset, fmt, value),
                                 "the kernel's program headers are .*")

    def test_no_segment(self):
        self.passes_over(self.spoil(56, "<H", 0), "the kernel has no segment to load")

    def test_segment_writable_and_executable(self):
        self.passes_over(self.spoil(EHDR + 4, "<I", 7),
                         "a kernel segment is both writable and executable")

    def test_segment_off_its_page(self):
        self.passes_over(self.spoil(EHDR + 16, "<Q", 0xffffffff80000010),
                         "a kernel segment does not start on a page")

    def test_segment_outside_the_file(self):
        for offset, value in (8, 1 << 40), (8, (1 << 64) - 1), (32, 1 << 20):
            with self.subTest(offset=offset, value=value):
                self.passes_over(self.spoil(EHDR + offset, "<Q", value),
                                 "a kernel segment reaches beyond the kernel file")

    def test_segments_out_of_order(self):
        self.passes_over(self.spoil(EHDR + PHDR + 16, "<Q", 0xffffffff80000000),
                         "the kernel's segments are not in order .*")

    def test_segment_in_the_low_half(self):
        self.passes_over(self.spoil(EHDR + 16, "<Q", 0x100000),
                         "the kernel's segments are not in order .*")

    def test_segment_across_1_gib(self):
        self.passes_over(self.spoil(EHDR + 2 * PHDR + 16, "<Q", 0xffffffffc0000000),
                         "the kernel's segments are not in order .*")

    def test_segment_that_wraps(self):
        self.passes_over(self.spoil(EHDR + 2 * PHDR + 40, "<Q", 0x80000000),
                         "the kernel's segments are not in order .*")

    def test_kernel_beyond_64_mib(self):
        self.passes_over(self.spoil(EHDR + 2 * PHDR + 40, "<Q", 64 << 20),
                         "the kernel is larger than 64 MiB")

    def test_entry_outside_code(self):
        for entry in 0xffffffff80001000, 0, 0xffffffff7fffffff:
            with self.subTest(entry=hex(entry)):
                self.passes_over(self.spoil(24, "<Q", entry),
                                 "the kernel's entry point is in no executable segment")

    def relocations(self):
        """Where the moving kernel's list is in its file, and each tag's (place, value)."""
        kernel = image.strip_elf((KERNELS / "moving.elf").read_bytes())
        loads = elf.Elf(kernel).loads()
        dynamic = next(s for s in elf.Elf(kernel).segments if s.kind == elf.PT_DYNAMIC)
        tags = {}
        for at in range(dynamic.offset, dynamic.offset + dynamic.filesz, 16):
            tag, value = struct.unpack_from("<QQ", kernel, at)
            tags[tag] = (at, value)
        home = next(s for s in loads if 0 <= tags[DT_RELR][1] - s.vaddr < s.filesz)
        return home.offset + tags[DT_RELR][1] - home.vaddr, tags

    def test_damaged_relocations(self):
        at, _ = self.relocations()
        for value in (0, 1 << 63, 0xffffffff7ffffff8, 0xffffffff90000000, (1 << 64) - 8):
            with self.subTest(value=hex(value)):
                self.passes_over(self.spoil(at, "<Q", value, kernel="moving"),
                                 DAMAGED)

    def test_damaged_dynamic_section(self):
        _, tags = self.relocations()
        for tag, value, line in ((DT_RELR, 0, DAMAGED), (DT_RELRSZ, 4, DAMAGED),
                                 (DT_RELRSZ, 1 << 40, DAMAGED), (DT_RELRENT, 16, OTHER_KIND),
                                 (DT_RELASZ, 24, OTHER_KIND)):
            with self.subTest(tag=tag, value=value):
                self.passes_over(self.spoil(tags[tag][0] + 8, "<Q", value, kernel="moving"), line)

    def test_line_is_on_the_screen_too(self):
        # Without graphics SeaBIOS sends INT 10h's characters to COM1: each comes twice.
        guest = self.boot(self.spoil(0, "<I", 0), machine="pc,graphics=off")
        guest.expect("eexxooccoorree", 60)


if __name__ == "__main__":
    unittest.main()
