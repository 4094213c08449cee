#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every protection, attacked by the image `attack` on one road, and stopped with the report
that docs/security.md promises: test_attacks.py FIRMWARE IMAGE"""

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest  # noqa: E402  (the path above comes first)

FIRMWARE, IMAGE = sys.argv[1:3]
PANIC, FAULT = 101, 102
TOP = "0xffffffff[89a-f][0-9a-f]{7}"  # the top 2 GiB: the image
READ_ONLY = f"write to read-only page at {TOP}"
NO_EXECUTE = "execution of a no-execute page at"

# attack: what the report says; where it stands, if not in the function of that name
FAULTS = {
    "read_null": (r"read from 0x0{14}10: page not present \(null", None),
    "write_null": (r"write to 0x0{16}: page not present \(null", None),
    "call_null": (r"execution of 0x0{16}: page not present \(null", "call_null"),
    "write_code": (rf"{READ_ONLY} \(\.text of test/boot/protect/attack\.c, read_null\+0x0", None),
    "write_constant": (rf"{READ_ONLY} \(\.rodata, constant\+0x0", None),
    "write_code_by_its_frame": (r"write to 0xffff8[0-9a-f]{11}: page not present", None),
    "run_data": (rf"{NO_EXECUTE} {TOP} \(\.data, ret_in_data\+0x0", "run_data"),
    "run_stack": (rf"{NO_EXECUTE} {TOP}", "run_stack"),
    "run_heap": (rf"{NO_EXECUTE} 0xffff8[0-9a-f]{{11}}", "run_heap"),
    "write_policy": (rf"{READ_ONLY} \(sealed data, policy\+0x0", None),
    "write_command_line": (rf"{READ_ONLY} \(sealed data, core_state\+0x", None),
    "write_page_table_root": (rf"{READ_ONLY} \(sealed data, core_state\+0x", None),
    "write_canary": (rf"{READ_ONLY} \(sealed data, __stack_chk_guard\+0x0", None),
    "write_gdt": (rf"{READ_ONLY} \(sealed data, tables\+0x", None),
    "write_idt": (rf"{READ_ONLY} \(sealed data, tables\+0xe0", None),
    "write_function_table": (rf"{READ_ONLY} \(\.rodata, handlers\+0x0", None),
    "overflow_stack": (rf"write to {TOP}: page not present \(stack overflow", "recurse"),
    "overflow_stack_of_task": (r"write to 0xffffe[0-9a-f]{11}: page not present "
                               r"\(stack overflow of task digger", "recurse"),
    "fault_twice": (r"#DF double fault \(vector 8\)", "fault_twice"),
}
DEBUG_HEAP = {
    "overflow_heap": (r"write to 0x[0-9a-f]{16}: page not present \(past the end of a heap block",
                      None),
    "use_after_free": (r"write to 0x[0-9a-f]{16}: page not present \(use of a freed heap block",
                       None),
}


class Attacks(unittest.TestCase):
    """One machine each."""

    def run_attack(self, cmdline, **machine):
        """Boots the image with that command line; returns (status, console)."""
        if FIRMWARE == "uefi":
            machine["machine"] = "q35"
        with Guest(IMAGE, cmdline=cmdline, firmware=FIRMWARE, net="none", **machine) as guest:
            return guest.wait(120), guest.log

    def stopped(self, cmdline, status, *patterns, **machine):
        """The attack ends the machine with this status, and its report says all of these."""
        found, log = self.run_attack(cmdline, **machine)
        self.assertNotIn("nobody minded", log)
        self.assertNotIn("report itself failed", log)
        position = 0
        for pattern in patterns:
            match = re.compile(pattern, re.MULTILINE).search(log, position)
            self.assertIsNotNone(match, f"no /{pattern}/ in\n{log}")
            position = match.start()
        self.assertEqual(found, status, log)

    def each(self, table, word=""):
        for name, (said, where) in table.items():
            with self.subTest(attack=name):
                self.stopped(f"{name}{word}", FAULT, f"^fault: .*{said}", rf" {where or name}\+0x")

    def test_faults(self):
        self.each(FAULTS)

    def test_another_cpu(self):
        self.stopped("write_policy_on_another_cpu", FAULT, f"^fault: .*{FAULTS['write_policy'][0]}",
                     r" write_policy\+0x", cpus=2)

    def test_debug_heap(self):
        self.each(DEBUG_HEAP, " heap=debug")

    def test_a_smashed_stack(self):
        self.stopped("smash_stack", PANIC, "^panic: stack smashed in smash_stack$",
                     r" smash_stack\+0x")

    def test_what_is_refused(self):
        for name, said in (("ask_for_write_and_execute", "refused"),
                           ("look_into_released_frame", "nothing in it"),
                           ("read_settings_back", "settings: smep 1 umip 1")):
            with self.subTest(attack=name):
                self.stopped(name, 0, f"^{said}$")

    def secrets(self, word=""):
        """(where the image is, the canary) in one boot."""
        _, log = self.run_attack("tell_secrets" + word)
        return re.search("^image at 0x([0-9a-f]{16}) canary ([0-9a-f]{16})$", log,
                         re.MULTILINE).groups()

    def test_nobody_foresees_addresses_and_canaries(self):
        boots = 3 if FIRMWARE == "uefi" else 12
        places, canaries = zip(*(self.secrets() for _ in range(boots)))
        self.assertGreaterEqual(len(set(places)), boots - 1)  # of half a million places
        self.assertEqual(len(set(canaries)), boots)
        for place, canary in zip(places, canaries):
            self.assertRegex(place, "^ffffffff[89a-f][0-9a-f]{4}000$")
            self.assertRegex(canary, "^[0-9a-f]{14}00$")
            self.assertNotEqual(canary, "0" * 16)

    def test_nokaslr(self):
        self.assertEqual(self.secrets(" nokaslr")[0], "ffffffff80000000")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
