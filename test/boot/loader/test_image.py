# SPDX-License-Identifier: MIT
"""image.py: what it makes, and what it refuses. The loader's own tests boot the result."""
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/bin"))
from exocore_cli import image  # noqa: E402

STAGE1 = b"\xfa" * image.STAGE1_MAX
STAGE2 = b"\0" * image.BOOT_HEADER_OFFSET + image.BOOT_MAGIC + b"\0" * 100
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


class ImageTest(unittest.TestCase):
    def refuses(self, pattern, stage1=STAGE1, stage2=STAGE2, kernel=KERNEL, cmdline=""):
        with self.assertRaisesRegex(ValueError, pattern):
            image.make_image(stage1, stage2, kernel, cmdline)

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

    def test_image_has_its_parts_where_the_loader_looks(self):
        made = image.make_image(STAGE1, STAGE2, KERNEL, "a=b")
        self.assertEqual(len(made), image.IMAGE_MIN)
        self.assertEqual(made[:440], STAGE1)
        self.assertEqual(made[510:512], b"\x55\xaa")
        active, first, count = struct.unpack_from("<B7xII", made, 446)
        self.assertEqual((active, first), (0x80, 64))
        self.assertEqual((first + count) * image.SECTOR, len(made))
        kernel = image.strip_elf(KERNEL)
        self.assertEqual(struct.unpack_from("<8sQQ", made, 512 + 16),
                         (image.BOOT_MAGIC, 64, len(kernel)))
        self.assertEqual(made[512 + 0x7A00:512 + 0x7A04], b"a=b\0")
        self.assertEqual(made[64 * 512:64 * 512 + len(kernel)], kernel)

    def test_same_parts_same_image(self):
        self.assertEqual(image.make_image(STAGE1, STAGE2, KERNEL),
                         image.make_image(STAGE1, STAGE2, KERNEL))

    def test_large_image_is_whole_pages(self):
        made = image.make_image(STAGE1, STAGE2, elf((5, b"x" * 3_000_001, 3_000_001)))
        self.assertEqual(len(made) % image.IMAGE_ALIGN, 0)

    def test_loader_that_does_not_fit(self):
        self.refuses("stage 1 has 441 bytes, and 440 fit", stage1=STAGE1 + b"x")
        self.refuses("stage 2 has 31233 bytes, and 31232 fit", stage2=STAGE2.ljust(31233, b"\0"))
        self.refuses("stage 2 has no EXOBOOT1 header", stage2=b"\0" * 100)

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


if __name__ == "__main__":
    unittest.main()
