# SPDX-License-Identifier: MIT
"""Steps and the one line that a failure leaves."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here  # noqa: F401  (sets the path)
from exocore_cli import report


class Listener(io.StringIO):
    """Output of which somebody is told once a line of it ends with certain words."""

    def __init__(self, words, tell):
        super().__init__()
        self.words, self.tell = words, tell

    def write(self, text):
        if text.endswith(self.words):
            self.tell()
        return super().write(text)


class Steps(unittest.TestCase):
    """Programs run with their output in a log."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.log = Path(scratch.name) / "log/step.log"

    def must_fail(self, script):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), self.assertRaises(report.UserError) as caught:
            report.must("do it", ["sh", "-c", script], self.log, lambda log: "mend that")
        return str(caught.exception)

    def test_success_says_what_and_how_long(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            report.must("do it", ["true"], self.log, str)
        self.assertRegex(out.getvalue(), r"^do it \.\.\.\ndo it  done \(\d+\.\d s\)\n$")

    def test_failure_names_cause_advice_and_log(self):
        line = self.must_fail("echo fine; echo 'a.c:3:1: error: bad'; echo more; exit 1")
        self.assertIn("a.c:3:1: error: bad", line)
        self.assertIn("mend that", line)
        self.assertIn(str(self.log), line)
        self.assertNotIn("\n", line)

    def test_the_linker_says_more_than_that_it_failed(self):
        line = self.must_fail("printf '%s\\n' 'FAILED: x.elf' \"a.o: multiple definition of 'f'\" "
                              "'collect2: error: ld returned 1 exit status'; exit 1")
        self.assertIn("multiple definition of 'f'", line)

    def test_our_own_line_is_the_best_cause(self):
        line = self.must_fail("echo 'CMake Error: x'; echo 'exocore: no network'; exit 1")
        self.assertIn("failed: no network", line)

    def test_cmakes_message_stands_below_its_first_line(self):
        line = self.must_fail("printf '%s\\n' '-- fine' 'CMake Error at a.cmake:81 (message):' "
                              "'  exo_app(hello): USES x: no' '  such layer' 'Call Stack:' "
                              "'  b.cmake:1 (exo_app)' 'ninja: error: rebuilding'; exit 1")
        self.assertIn("failed: exo_app(hello): USES x: no such layer; mend", line)

    def test_a_long_step_says_what_it_does(self):
        # The step lasts until it has said so: somebody touches `seen` then.
        seen = self.log.with_name("seen")
        out = Listener("s  half", seen.touch)
        with contextlib.redirect_stdout(out), mock.patch.object(report, "PLAIN_TICK_SECONDS", 0.1):
            report.step("do it", ["sh", "-c", "echo half; until [ -e \"$0\" ]; do sleep 0.1; done",
                                  seen], self.log)
        self.assertRegex(out.getvalue(), r"(?m)^do it \.\.\. \d+ s  half$")

    def test_a_program_that_is_not_there(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(report.step("x", ["no-such-program-anywhere"], self.log), 127)
        self.assertIn("cannot start", report.cause(self.log))


if __name__ == "__main__":
    unittest.main()
