#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The direct road under loaders that say odd things, or lie: test_lies.py BUILD

What is odd boots; what cannot be true is one line, and a machine that stands still.
"""

import struct
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
import liar  # noqa: E402  (the path above comes first)
from liar import ALL, BLOCK_AT, END, ENTRIES_AT, LOW, map_tag, tag  # noqa: E402
from qemu import Guest  # noqa: E402

HELLO = (Path(sys.argv.pop(1)) / "hello.elf").read_bytes()
EMPTY = (0x101000, 0, 2)  # reserved, in the middle of the image, and no byte long
NOT_USABLE = "the kernel at 1 MiB does not lie in memory that the map calls usable"
ABOVE = "the PVH loader's data lie above 4 GiB"
NO_INFO = "the PVH entry was called without a start info of version 1"
BAD_COUNT = "the PVH loader's memory map has no entry, or more than 512"
TOO_LONG = "the loader's memory map has more than 512 entries"
NO_MAP = "the Multiboot2 loader gives no memory map"


class Lies(unittest.TestCase):
    """Images that a liar enters."""

    def guest(self, image):
        """A started machine; the caller closes it."""
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        self.addCleanup(scratch.cleanup)
        path = Path(scratch.name) / "liar.elf"
        path.write_bytes(image)
        return Guest(path, firmware="direct", net="none", memory="16M")

    def boots(self, image):
        """The image reaches main."""
        with self.guest(image) as guest:
            self.assertEqual(guest.wait(60), 0, guest.log)
            self.assertEqual(guest.log, "hello from exocore\n")

    def halts(self, line, image):
        """The loader says this line, and the machine stands still."""
        with self.guest(image) as guest:
            guest.expect(f"^exocore: {line}$", 30)
            self.assertIsNone(guest.process.poll())


class StartInfo(Lies):
    """What a PVH loader says."""

    def test_odd_facts(self):
        many = [(0x100000000 + i * 8192, 4096, 2) for i in range(510)]
        for what, image in (
                ("a later version", liar.by_pvh(HELLO, version=99)),
                ("512 entries", liar.by_pvh(HELLO, [*many, LOW, ALL])),
                ("empty entries", liar.by_pvh(HELLO, [EMPTY, LOW, EMPTY, ALL, EMPTY])),
                ("all there is, twice", liar.by_pvh(HELLO, [LOW, LOW, ALL, ALL])),
                ("memory up to 2^64", liar.by_pvh(HELLO, [(0, 1 << 63, 1), (1 << 63, 1 << 63, 1)])),
                ("memory beyond 2^64", liar.by_pvh(HELLO, [LOW, ALL, ((1 << 64) - 4096, 8192, 1)])),
                ("a command line in no memory", liar.by_pvh(HELLO, cmdline_at=0xD0000000))):
            with self.subTest(what):
                self.boots(image)

    def test_lies(self):
        for what, line, image in (
                ("another magic", NO_INFO, liar.by_pvh(HELLO, magic=liar.START_INFO_MAGIC ^ 1)),
                ("an old version", NO_INFO, liar.by_pvh(HELLO, version=0)),
                ("no map", BAD_COUNT, liar.by_pvh(HELLO, count=0)),
                ("513 entries", BAD_COUNT, liar.by_pvh(HELLO, count=513)),
                ("2^32 entries", BAD_COUNT, liar.by_pvh(HELLO, count=(1 << 32) - 1)),
                ("empty entries alone", NOT_USABLE, liar.by_pvh(HELLO, [EMPTY, EMPTY])),
                ("too many modules", TOO_LONG,
                 liar.by_pvh(HELLO, modules=513, modules_at=BLOCK_AT + ENTRIES_AT)),
                ("2^32 modules", TOO_LONG,
                 liar.by_pvh(HELLO, modules=(1 << 32) - 1, modules_at=BLOCK_AT + ENTRIES_AT)),
                ("a map too high", ABOVE, liar.by_pvh(HELLO, entries_at=1 << 32)),
                ("a line too high", ABOVE, liar.by_pvh(HELLO, cmdline_at=1 << 32)),
                ("ACPI too high", ABOVE, liar.by_pvh(HELLO, rsdp=1 << 40)),
                ("modules too high", ABOVE, liar.by_pvh(HELLO, modules_at=1 << 63))):
            with self.subTest(what):
                self.halts(line, image)


class Tags(Lies):
    """What a Multiboot2 loader says."""

    def test_odd_tags(self):
        memory = map_tag([LOW, ALL])
        backwards = tag(3, struct.pack("<II", 0x900000, 0x800000) + b"\0")
        for what, tags in (
                ("no end", [memory]),
                ("empty entries", [map_tag([EMPTY, LOW, EMPTY, ALL, EMPTY]), END]),
                ("an empty module", [tag(3, struct.pack("<II", 0x101000, 0x101000) + b"\0"), memory,
                                     END]),
                ("a module that ends before it begins", [backwards, memory, END]),
                ("a tag of no bytes", [memory, tag(99, b"", size=0), END]),
                ("a tag of 4 GiB", [memory, tag(99, b"", size=(1 << 32) - 1), END]),
                ("an ACPI tag of no bytes", [memory, tag(15, b"", size=0), END]),
                ("an ACPI tag too large", [memory, tag(15, bytes(400)), END])):
            with self.subTest(what):
                self.boots(liar.by_multiboot2(HELLO, *tags))

    def test_lies(self):
        memory = map_tag([LOW, ALL])
        for what, line, image in (
                ("another loader", "the Multiboot2 entry was called by no Multiboot2 loader",
                 liar.by_multiboot2(HELLO, memory, END, magic=0x2BADB002)),
                ("no tags", NO_MAP, liar.by_multiboot2(HELLO, size=0)),
                ("no map", NO_MAP, liar.by_multiboot2(HELLO, END)),
                ("a map behind the end", NO_MAP, liar.by_multiboot2(HELLO, END, memory)),
                ("an empty map", NO_MAP, liar.by_multiboot2(HELLO, map_tag([EMPTY]), END)),
                ("entries of no bytes", NOT_USABLE,
                 liar.by_multiboot2(HELLO, map_tag([LOW, ALL], entry_bytes=0), END))):
            with self.subTest(what):
                self.halts(line, image)


if __name__ == "__main__":
    unittest.main()
