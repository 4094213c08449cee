# SPDX-License-Identifier: MIT
"""A crash report becomes lines of source, by the ELF file of the same build and no other."""

import io
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from here import exocore
from exocore_cli import build, explain
from exocore_cli import elf as elf_format

SOURCE = """\
int data[2] = {1, 2};
static inline __attribute__((always_inline)) int inlined(int x)
{
    return data[x] + 1; /* here it faults */
}
__attribute__((noinline)) int middle(int x)
{
    return inlined(x) * 3;
}
__attribute__((noinline)) int outer(int x)
{
    return middle(x + 1) + 5; /* the call */
}
int _start(void) { return outer(data[0]); }
"""
BASE = 0xFFFFFFFF80000000


class Explain(unittest.TestCase):
    """Reports about a small program."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.tree = Path(scratch.name)
        (cls.tree / "app").mkdir()
        cls.elf = cls.tree / "app/app.elf"
        (cls.tree / "app.c").write_text(SOURCE)
        subprocess.run(["gcc", "-O1", "-gdwarf-4", "-mcmodel=kernel", "-ffreestanding", "-fno-pic",
                        "-no-pie", "-static", "-nostdlib", "-Wl,--build-id",
                        f"-Wl,-Ttext-segment={BASE:#x}", cls.tree / "app.c", "-o", cls.elf],
                       check=True)
        cls.id = explain.build_id(cls.elf)
        elf = elf_format.Elf(cls.elf.read_bytes())
        cls.start = {symbol.name: symbol.value for symbol in elf.symbols()}
        listing = subprocess.run(["objdump", "-d", cls.elf], check=True, capture_output=True,
                                 text=True).stdout
        cls.call = int(re.search(r"<outer>:\n(?:.*\n)*?\s*([0-9a-f]+):\s.*call", listing)[1], 16)

    def setUp(self):
        patch = mock.patch.object(build, "BUILD", self.tree)
        patch.start()
        self.addCleanup(patch.stop)

    def report(self, moved=0, build_id=None):
        """What the program's report would be, had it been moved by so much."""
        fault, back = self.start["middle"] + moved, self.call + 5 + moved
        return ("[   booting  ] core: booted\r\n\r\nfault: #PF page fault (vector 14): read\r\n"
                f"rip {fault:016x} middle+0x0 (app.c)\r\non CPU 0, in task x, 1.5 s after\r\n"
                f"image {build_id or self.id} at {BASE + moved:#x}\r\nbacktrace:\r\n"
                f"  {fault:016x} middle+0x0 (app.c)\r\n  {back:016x} outer+0x9 (app.c)\r\n"
                "rax 0000000000000000\r\nlast lines before this:\r\n| x\r\n")

    def explain(self, text, *more):
        log = self.tree / "console.log"
        log.write_text(text, encoding="utf-8")
        return exocore("explain", str(log), *map(str, more))

    def test_places_have_lines_and_their_source(self):
        status, out, err = self.explain(self.report(), self.elf)
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("fault: #PF page fault (vector 14): read\non CPU 0, in "))
        self.assertRegex(out, r"\ninlined \(inlined\)  app\.c:4\n")
        self.assertIn("\n  >     4 |     return data[x] + 1; /* here it faults */\n", out)
        self.assertIn("\n        3 | {\n", out)
        self.assertRegex(out, r"\nmiddle  app\.c:8\n")
        self.assertRegex(out, r"\nouter  app\.c:12\n  >    12 \|     return middle\(x \+ 1\)")
        self.assertNotIn("\033", out)  # no terminal

    def test_an_address_that_stands_there_twice_is_told_twice(self):
        found = explain.lines.frames(self.elf, [self.call, self.start["_start"], self.call])
        self.assertEqual([frame.function for frame in found[self.call]], ["outer"])

    def test_a_function_that_calls_itself_is_told_once(self):
        again = f"  {self.call + 5:016x} outer+0x9 (app.c)\r\n"
        out = self.explain(self.report().replace(again, again * 40), self.elf)[1]
        self.assertEqual(out.count("outer"), 1)
        self.assertRegex(out, r"\nouter  app\.c:12  \(40 times in a row\)\n  >    12 \|")

    def test_a_moved_image_says_the_same(self):
        self.assertEqual(self.explain(self.report(0x1234000), self.elf)[1],
                         self.explain(self.report(), self.elf)[1])

    def test_finds_the_elf_file_by_its_id(self):
        self.assertIn("app.c:12", self.explain(self.report())[1])
        status, out, err = self.explain(self.report(build_id="0" * 40))
        self.assertEqual((status, out, err.count("\n")), (1, "", 1))
        self.assertIn("0" * 40, err)

    def test_another_build_is_refused(self):
        status, out, err = self.explain(self.report(build_id="1" * 40), self.elf)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("another build", err)

    def test_a_report_cut_short_is_one_line(self):
        report = self.report()
        for end in ("\r\nimage", "\r\nrip"):
            status, _, err = self.explain(report[:report.index(end)], self.elf)
            self.assertEqual((status, err.count("\n")), (1, 1))
        self.assertEqual(self.explain(report[:report.index("  ffffff")], self.elf)[0], 0)
        unnamed = report[:report.index("\r\nimage")]
        for elf in ((), (self.elf,)):
            self.assertIn("ends before it names its image", self.explain(unnamed, *elf)[2])

    def test_a_report_that_failed_names_both_places(self):
        text = self.report() + f"\r\nexocore: the report itself failed at {self.call:016x}\r\n"
        out = self.explain(text, self.elf)[1]
        self.assertRegex(out, r"(?s)app\.c:8.*and the report itself failed:\nouter  app\.c:12")

    def test_a_trace_that_was_cut_off_says_so(self):
        text = self.report().replace("\r\nrax", "\r\n  and more callers\r\nrax")
        self.assertIn("\nand more callers, which", self.explain(text, self.elf)[1])
        self.assertNotIn("more callers", self.explain(self.report(), self.elf)[1])

    def test_where_the_other_cpus_were_is_told(self):
        text = self.report(0x1000).replace("backtrace:", f"CPU 3 was at {self.call + 0x1000:016x} "
                                           "outer+0x4 (app.c)\r\nbacktrace:")
        self.assertIn("\nCPU 3 was then in\nouter  app.c:12\n", self.explain(text, self.elf)[1])

    def test_no_report_and_no_file(self):
        self.assertIn("no report", self.explain("hello\n")[2])
        nothing = self.tree / "nothing"
        self.assertEqual(exocore("explain", str(nothing)),
                         (1, "", f"exocore: {nothing}: No such file or directory\n"))
        self.assertEqual(self.explain(self.report(), self.tree / "app.c")[0], 1)

    def test_each_of_several_reports(self):
        self.assertEqual(self.explain(self.report() * 2)[1].count("outer  app.c:12"), 2)

    def test_a_jump_through_null_of_a_moved_image(self):
        null = "  0000000000000000\r\n"
        text = re.sub(r"rip [0-9a-f]{16}", "rip " + "0" * 16, self.report(0x1234000))
        text = text.replace("backtrace:\r\n", "backtrace:\r\n" + null)
        status, out, err = self.explain(text, self.elf)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("outer  app.c:12", out)

    def test_a_recursion_is_named_once_with_its_calls(self):
        call = f"  {self.call + 5:016x} outer+0x9 (app.c)\r\n"
        out = self.explain(self.report().replace(call, call * 3), self.elf)[1]
        self.assertEqual(out.count("outer  app.c:12"), 1)
        self.assertIn("app.c:12  (3 times in a row)", out)
        self.assertNotIn("outer (inlined)", out)

    def test_addresses_that_cannot_be(self):
        far = self.report().replace(f"at {BASE:#x}", "at 0x" + "f" * 30)
        self.assertEqual(self.explain(far, self.elf)[::2], (0, ""))
        torn = self.report().replace("middle+0x0 (app.c)", "mid\x0cdle\x85\u2028 x")
        self.assertIn("outer  app.c:12", self.explain(torn, self.elf)[1])

    def test_words_like_a_report_hide_no_real_one(self):
        text = "panic: only an app's own words\n" + self.report()
        status, out, err = self.explain(text, self.elf)
        self.assertEqual((status, err.count("\n")), (1, 1))
        self.assertIn("outer  app.c:12", out)
        console = self.tree / "console"
        console.write_text(text)
        with mock.patch("sys.stdout", io.StringIO()) as out, \
                mock.patch("sys.stderr", io.StringIO()) as err:
            explain.after_run(console, self.elf, self.tree / "log/kept.log")
        self.assertIn("outer  app.c:12", out.getvalue())
        self.assertIn("before it names its image", err.getvalue())

    def test_colours_on_a_terminal_only(self):
        terminal = io.StringIO()
        terminal.isatty = lambda: True
        with mock.patch.dict("os.environ"):
            explain.os.environ.pop("NO_COLOR", None)
            explain.show(explain.reports(self.report())[0], self.elf, terminal)
        self.assertIn(f"{explain.BOLD}outer{explain.PLAIN}  app.c:12", terminal.getvalue())
        with mock.patch.dict("os.environ", NO_COLOR="1"):
            plain = io.StringIO()
            plain.isatty = lambda: True
            explain.show(explain.reports(self.report())[0], self.elf, plain)
        self.assertNotIn("\033", plain.getvalue())

    def test_after_a_run_the_raw_words_are_kept(self):
        console, kept = self.tree / "console", self.tree / "log/kept.log"
        console.write_text("all is well\n")
        explain.after_run(console, self.elf, kept)
        self.assertFalse(kept.exists())
        console.write_text(self.report())
        with mock.patch("sys.stdout", io.StringIO()) as out:
            explain.after_run(console, self.elf, kept)
        self.assertIn("outer  app.c:12", out.getvalue())
        self.assertIn(str(kept), out.getvalue())
        self.assertIn("rax 0000000000000000", kept.read_text())


if __name__ == "__main__":
    unittest.main()
