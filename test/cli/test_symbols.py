# SPDX-License-Identifier: MIT
"""The table of names, in a small image that gcc links by the real script."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from here import ROOT
from exocore_cli import elf as elf_format
from exocore_cli import symbols

SOURCE = """
__asm__(".globl core_entry\\ncore_entry: call first\\nhlt\\ncore_entry.local: hlt\\n"
        "line_0: hlt\\nline_1: hlt\\nline_2: hlt\\n");
int data = 1;
__attribute__((noinline, used)) static int second_function_with_a_long_name(int x)
{ return x * data; }
__asm__(".pushsection .data.rel.ro,\\"aw\\"; .balign 8; .quad first; .popsection"); // an address
int first(int x) { return second_function_with_a_long_name(x) + 1; }
"""
MANY = "\n".join(f"int function_number_{i}(int x) {{ return x + {i}; }}" for i in range(700))
MANY += """
__asm__(".pushsection .data.rel.ro,\\"aw\\"; .balign 8; .quad function_number_1; .popsection");
"""


def link(directory, source):
    """Compiles and links `source`; returns the ELF's bytes."""
    path = Path(directory)
    (path / "a.c").write_text(source)
    subprocess.run(["gcc", "-O1", "-gdwarf-4", "-ffreestanding", "-fpie", "-static-pie",
                    "-fno-asynchronous-unwind-tables", "-nostdlib", "-Wl,--build-id",
                    "-Wl,-z,max-page-size=4096,-z,noexecstack,-z,pack-relative-relocs,-z,norelro",
                    "-T", ROOT / "sdk/start/kernel.ld", path / "a.c", "-o", path / "a.elf"],
                   check=True)
    return (path / "a.elf").read_bytes()


def table(data):
    """Reads the table as core does: a list of (offset, size, name, file)."""
    segment = elf_format.Elf(data).loads()[-1]
    raw = data[segment.offset:segment.offset + segment.filesz]
    magic, count, strings, size = symbols.HEADER.unpack_from(raw)
    assert magic == symbols.MAGIC and size == len(raw) and segment.memsz == len(raw)
    entries = [symbols.ENTRY.unpack_from(raw, symbols.HEADER.size + i * symbols.ENTRY.size)
               for i in range(count)]

    def string(at):
        return raw[strings + at:raw.index(b"\0", strings + at)].decode()

    return [(offset, length, string(name), string(file))
            for offset, length, name, file in entries]


class Symbols(unittest.TestCase):
    """What the tool puts into an image."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def test_an_unfilled_table_is_empty(self):
        self.assertEqual(table(link(self.scratch, SOURCE)), [])

    def test_functions_labels_and_variables_sorted(self):
        entries = table(symbols.fill(link(self.scratch, SOURCE)))
        names = [name for _, _, name, _ in entries]
        self.assertEqual(sorted(names), ["core_entry", "data", "first", "line_N",
                                         "second_function_with_a_long_name"])
        self.assertEqual(entries, sorted(entries))
        self.assertTrue(all(size > 0 for _, size, _, _ in entries))
        self.assertEqual({file for _, _, _, file in entries}, {""})

    def test_functions_know_their_source_file(self):
        link(self.scratch, SOURCE)
        symbols.fill_file(Path(self.scratch) / "a.elf")
        entries = table((Path(self.scratch) / "a.elf").read_bytes())
        files = {name: file for _, _, name, file in entries}
        self.assertEqual((files["first"], files["data"]), ("a.c", ""))

    def test_a_large_table_and_filling_twice(self):
        data = link(self.scratch, SOURCE + MANY)
        once = symbols.fill(data)
        twice = symbols.fill(once)
        self.assertEqual(len(table(once)), 705)
        self.assertEqual(table(once), table(twice))
        self.assertEqual(elf_format.Elf(once).loads()[-1].vaddr % 4096, 0)
        self.assertEqual(len(once), len(twice))

    def test_readelf_accepts_the_result(self):
        path = Path(self.scratch) / "filled.elf"
        path.write_bytes(symbols.fill(link(self.scratch, SOURCE + MANY)))
        checked = subprocess.run(["readelf", "-W", "-a", path], capture_output=True, text=True,
                                 check=True)
        # kernel.ld leaves out the dynamic section's names, of which there are none.
        self.assertRegex(checked.stderr, r"\A(.*Link field \(0\) should index a string.*\n)?\Z")

    def test_foreign_and_damaged_files_are_refused(self):
        good = link(self.scratch, SOURCE)
        for data in (b"", b"MZ", good[:70], good[:64], good[:4] + b"\x01" + good[5:]):
            with self.assertRaises(elf_format.ElfError):
                symbols.fill(data)


if __name__ == "__main__":
    unittest.main()
