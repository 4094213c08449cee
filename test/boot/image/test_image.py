# SPDX-License-Identifier: MIT
"""Claims about an app's ELF file: test_image.py ELF [layer that it must not contain…]"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk/bin"))
from exocore_cli import elf as elf_format  # noqa: E402
from exocore_cli import symbols  # noqa: E402

PAGE = 4096
NAMES = { # how the functions of a layer are called
    "mm": r"heap_",
    "sched": r"(sched|task|event)_",
    "netstack": r"(net|socket|tcp|udp|ip4|icmp|arp|dhcp|pkt)_",
    "dev": r"(nic|virtio)_",
}


class Image(unittest.TestCase):
    """One ELF file."""

    @classmethod
    def setUpClass(cls):
        cls.elf = elf_format.Elf(Path(PATH).read_bytes())
        cls.names = [name for _, _, name in symbols.symbols(cls.elf)]

    def test_no_page_is_writable_and_executable(self):
        end = 0
        for segment in self.elf.loads():
            self.assertNotEqual(segment.flags & (elf_format.PF_W | elf_format.PF_X),
                                elf_format.PF_W | elf_format.PF_X)
            self.assertEqual(segment.vaddr % PAGE, 0)
            self.assertGreaterEqual(segment.vaddr, end)
            end = segment.vaddr + segment.memsz

    def test_enters_its_code(self):
        code = self.elf.loads()[0]
        self.assertEqual(code.vaddr, symbols.BASE)
        self.assertTrue(code.flags & elf_format.PF_X)
        self.assertTrue(code.vaddr <= self.elf.entry < code.vaddr + code.filesz)

    def test_backtraces_will_have_names(self):
        table = self.elf.section(".symbols")
        _, count, _, _ = symbols.HEADER.unpack_from(self.elf.data, table.offset)
        self.assertEqual(count, len(self.names))
        self.assertIn("main", self.names)
        self.assertIn("core_main", self.names)

    def test_does_not_say_where_it_was_built(self):
        for segment in self.elf.loads():
            found = self.elf.data.find(str(ROOT).encode(), segment.offset,
                                       segment.offset + segment.filesz)
            self.assertEqual(found, -1)

    def test_contains_no_layer_that_it_does_not_use(self):
        for layer in ABSENT:
            found = [name for name in self.names if re.match(NAMES[layer], name)]
            self.assertEqual(found, [], layer)


if __name__ == "__main__":
    PATH, ABSENT = sys.argv[1], sys.argv[2:]
    unittest.main(argv=sys.argv[:1])
