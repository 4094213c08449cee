# SPDX-License-Identifier: MIT
"""The check of handoff.inc catches its sins."""
import pathlib
import tempfile
import unittest

from handoff import differences, names

ROOT = pathlib.Path(__file__).resolve().parents[3]
HEADER = ROOT / "core/handoff.h"
INC = ROOT / "bootloader/handoff.inc"


class HandoffTest(unittest.TestCase):
    def with_inc(self, old, new):
        """What the check says when handoff.inc has `new` instead of `old`."""
        text = INC.read_text()
        self.assertIn(old, text)
        with tempfile.TemporaryDirectory() as folder:
            inc = pathlib.Path(folder) / "handoff.inc"
            inc.write_text(text.replace(old, new, 1))
            return differences(HEADER, inc)

    def test_every_field_is_compared(self):
        found = [nasm for _, nasm in names(HEADER.read_text())]
        self.assertEqual(sum(name.startswith("handoff.") for name in found), 30)
        self.assertEqual(sum(name.startswith("handoff_range.") for name in found), 4)
        self.assertIn("HANDOFF_DIRECT_MAP", found)
        self.assertIn("HANDOFF_RANGE_NVS", found)

    def test_they_agree(self):
        self.assertEqual(differences(HEADER, INC), [])

    def test_a_wider_field_moves_the_rest(self):
        found = self.with_inc(".slot:          resd 1", ".slot:          resq 1")
        self.assertIn("handoff.kernel_pa: 64 in handoff.h, 68 in handoff.inc", found)

    def test_a_missing_field(self):
        self.assertTrue(any("fb_format" in line for line in
                            self.with_inc(".fb_format:     resd 1\n", "")))

    def test_a_field_too_many(self):
        found = self.with_inc(".tables:        resq 1\n", ".tables:        resq 1\n.more: resq 1\n")
        self.assertEqual(found, ["handoff_size: 208 in handoff.h, 216 in handoff.inc"])

    def test_another_constant(self):
        found = self.with_inc("HANDOFF_RANGE_NVS       equ 4", "HANDOFF_RANGE_NVS       equ 5")
        self.assertEqual(found, ["HANDOFF_RANGE_NVS: 4 in handoff.h, 5 in handoff.inc"])


if __name__ == "__main__":
    unittest.main()
