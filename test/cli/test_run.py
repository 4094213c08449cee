# SPDX-License-Identifier: MIT
"""exocore run: options become a QEMU command, and QEMU's end becomes an exit status."""

import argparse
import io
import os
import json
import pty
import shlex
import signal
import stat
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from here import exocore
from exocore_cli import build, qemu, run
from exocore_cli.report import UserError


class DryRun(unittest.TestCase):
    """--dry-run prints what would be started, and starts nothing."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        patch = mock.patch.object(build, "BUILD", Path(scratch.name))
        patch.start()
        self.addCleanup(patch.stop)
        (build.BUILD / "hello").mkdir()
        self.manifest = build.BUILD / "hello/hello.json"
        self.manifest.write_text(json.dumps({"ports": ["8080:80", "7007:7/udp"]}))

    def dry(self, *options):
        status, out, err = exocore("run", "hello", "--dry-run", "--accel", "tcg", *options)
        self.assertEqual((status, err), (0, ""))
        return out

    def test_boots_the_image_with_the_apps_ports(self):
        out = self.dry()
        self.assertTrue(out.startswith("qemu-system-x86_64 -M pc -accel tcg -cpu max -m 64M "))
        self.assertIn(f"file={build.BUILD}/hello/hello.img,format=raw,id=disk,if=none,", out)
        self.assertIn("hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:127.0.0.1:7007-:7", out)
        self.assertIn("-device isa-debug-exit,iobase=0xf4,iosize=0x04", out)

    def test_uefi_has_firmware_and_variables_in_flash(self):
        out = self.dry("--firmware", "uefi")
        self.assertIn("if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/", out)
        self.assertIn("if=pflash,unit=1,format=raw,snapshot=on,file=/usr/share/OVMF/", out)

    def test_ports_of_the_user_replace_the_apps(self):
        out = self.dry("--port", "9000:80")
        self.assertIn("hostfwd=tcp:127.0.0.1:9000-:80", out)
        self.assertNotIn("8080", out)

    def test_options_reach_qemu(self):
        out = self.dry("--memory", "16M", "--cpus", "2", "--gdb", "--pcap", "/tmp/a,b.pcap",
                       "--serial", "/tmp/log")
        for part in ("-m 16M", "-smp 2", "-gdb tcp:127.0.0.1:1234 -S", "file=/tmp/a,,b.pcap",
                     "-serial file:/tmp/log"):
            self.assertIn(part, out)

    def test_direct_gives_the_elf_file_to_qemu(self):
        out = self.dry("--firmware", "direct", "--append", "two words")
        elf = shlex.quote(f"{build.BUILD}/hello/hello.elf")
        self.assertIn(f"-kernel {elf} -append 'two words'", out)
        self.assertNotIn("-drive", out)
        self.assertIn("-device virtio-net-pci", out)

    def test_direct_takes_the_apps_own_command_line(self):
        self.manifest.write_text(json.dumps({"ports": [], "cmdline": "from the app"}))
        self.assertIn("-append 'from the app'", self.dry("--firmware", "direct"))

    def test_gdb_finds_the_image_where_it_is_linked(self):
        out = self.dry("--firmware", "direct", "--gdb", "--append", "two words")
        self.assertIn("-append 'two words nokaslr'", out)

    def test_microvm_has_a_nic_without_a_bus(self):
        out = self.dry("--firmware", "direct", "--machine", "microvm")
        self.assertIn("-M microvm,acpi=off,", out)
        self.assertIn("-device virtio-net-device,netdev=n0", out)
        self.assertNotIn("-pci", out)

    def test_no_network_means_no_device(self):
        self.assertNotIn("virtio-net", self.dry("--net", "none"))

    def test_ports_are_known_before_the_first_build(self):
        status, out, err = exocore("run", "web", "--dry-run")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("hostfwd=tcp:127.0.0.1:8080-:80", out)
        self.assertIn("7007-:7,", exocore("run", "raw_ring", "--dry-run")[1].replace(" ", ","))

    def test_damaged_manifest_is_one_line(self):
        self.manifest.write_text("{")
        status, _, err = exocore("run", "hello", "--dry-run")
        self.assertEqual((status, err.count("\n")), (1, 1))


class BadArguments(unittest.TestCase):
    """Each mistake is one line that names it, with status 2."""

    def refused(self, *argv):
        status, _, err = exocore(*argv)
        self.assertEqual(status, 2, err)
        return err

    def test_unknown_app_lists_the_apps(self):
        err = self.refused("run", "nosuch")
        self.assertIn("no app 'nosuch'", err)
        self.assertIn("hello", err)

    def test_values(self):
        for option, value in (("--port", "80"), ("--port", "0:80"), ("--port", "1:2/sctp"),
                              ("--port", "70000:80"), ("--memory", "lots"), ("--memory", "0"),
                              ("--memory", "0M"), ("--timeout", "nan"), ("--cpus", "0"),
                              ("--net", "bridge"), ("--timeout", "0"),
                              ("--serial", "/no/such/directory/log"),
                              ("--machine", "microvm")):
            with self.subTest(option=option, value=value):
                err = self.refused("run", "hello", "--dry-run", option, value)
                self.assertEqual(err.count("\n"), 1)
                self.assertIn(option, err)

    def test_ports_do_not_go_with_another_network(self):
        self.assertIn("--net user", self.refused("run", "hello", "--dry-run", "--net", "none",
                                                 "--port", "1:2"))

    def test_unknown_options_and_commands(self):
        self.assertIn("--bogus", self.refused("run", "hello", "--bogus"))
        self.refused("fly")
        self.refused()

    def test_help_of_each_command(self):
        for argv in (("--help",), ("run", "--help"), ("test", "--help"), ("image", "--help")):
            status, out, _ = exocore(*argv)
            self.assertEqual(status, 0)
            self.assertIn("usage: exocore", out)


class Append(unittest.TestCase):
    """--append boots a copy of the image."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.image = Path(scratch.name) / "hello.img"
        self.content = bytes(65536 + 16) + b"EXOBOOT3" + bytes(64 * 1024)
        self.image.write_bytes(self.content)

    def test_two_runs_have_a_line_each_and_leave_nothing(self):
        one, two = qemu.Machine(str(self.image)), qemu.Machine(str(self.image))
        with run.command_line(one, "first"), run.command_line(two, "second"):
            self.assertIn(b"first\0", Path(one.image).read_bytes())
            self.assertIn(b"second\0", Path(two.image).read_bytes())
        self.assertEqual(os.listdir(self.image.parent), ["hello.img"])
        self.assertEqual(self.image.read_bytes(), self.content)

    def test_too_long_a_line_is_refused(self):
        with self.assertRaises(UserError) as caught:
            with run.command_line(qemu.Machine(str(self.image)), "x" * 1024):
                self.fail("booted")
        self.assertIn("--append", str(caught.exception))


    def test_a_line_that_does_not_fit_is_refused_on_every_road(self):
        """The direct road would cut it without a word."""
        for firmware in "bios", "uefi", "direct":
            for line, why in ("x" * 1024, "1023 fit"), ("\udcff", "not UTF-8"):
                parser = argparse.ArgumentParser()
                run.add_arguments(parser)
                args = parser.parse_args(["hello", "--firmware", firmware, "--append", line])
                with self.subTest(firmware=firmware), self.assertRaisesRegex(UserError, why):
                    run.own_command_line(args)

    def test_a_line_leaves_room_for_what_qemu_adds(self):
        parser = argparse.ArgumentParser()
        run.add_arguments(parser)
        words = ["hello", "--firmware", "direct", "--machine", "microvm"]
        for room, *more in (1023 - len(qemu.MICROVM_WORD),), (1023, "--net", "none"):
            fits = parser.parse_args([*words, *more, "--append", "x" * room])
            self.assertEqual(run.own_command_line(fits), "x" * room)
            with self.assertRaisesRegex(UserError, "1023 fit"):
                run.own_command_line(parser.parse_args(
                    [*words, *more, "--append", "x" * (room + 1)]))


class Verdict(unittest.TestCase):
    """What QEMU's exit code means for the user's shell."""

    def test_the_images_own_status(self):
        for status in (0, 1, 7, 101, 111):
            code = ((status + 16) << 1 | 1) & 0xFF
            self.assertEqual(run.verdict(code, []), status)

    def test_an_end_without_status_is_an_error(self):
        for code, complaints, words in ((0, [], "triple fault"),
                                        (1, ["qemu: bad thing"], "stands above"),
                                        (1, [], "exit code 1"),
                                        (-9, [], "SIGKILL")):
            with self.assertRaises(UserError) as caught:
                run.verdict(code, complaints)
            self.assertIn(words, str(caught.exception))
            self.assertNotEqual(caught.exception.status, 0)


class Boot(unittest.TestCase):
    """The life of the QEMU process, played by a shell script."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.program = Path(scratch.name) / "qemu"
        patch = mock.patch.object(qemu, "PROGRAM", str(self.program))
        patch.start()
        self.addCleanup(patch.stop)
        for number in (signal.SIGTERM, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def boot(self, script, **options):
        self.program.write_text("#!/bin/sh\n" + script + "\n")
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        return run.boot(qemu.Machine("image"), **options)

    def test_passes_the_status_on(self):
        self.assertEqual(self.boot("exit 33"), 0)
        self.assertEqual(self.boot("exit 47"), 7)

    def test_a_machine_that_resets_after_its_report_has_the_reports_status(self):
        console = self.program.parent / "console"
        args = argparse.Namespace(app="hello", timeout=None)
        self.program.write_text("#!/bin/sh\nexit 0\n")
        self.program.chmod(0o755)
        for said, status, words in (("fault: #PF\r\n", 102, "panic="),
                                    ("panic: no\r\n", 101, "panic="),
                                    ("all is well\r\n", 1, "triple fault")):
            console.write_text(said)
            with mock.patch.object(build, "LOGS", self.program.parent), \
                    mock.patch("sys.stdout", io.StringIO()), \
                    mock.patch("sys.stderr", io.StringIO()), \
                    self.assertRaises(UserError) as caught:
                run.boot_and_explain(args, qemu.Machine("image"), console)
            self.assertEqual(caught.exception.status, status)
            self.assertIn(words, str(caught.exception))

    def test_timeout_is_124(self):
        with self.assertRaises(UserError) as caught:
            self.boot("exec tail -f /dev/null", timeout=0.3)
        self.assertEqual(caught.exception.status, 124)

    def ended_by(self, number, before="", after="exec tail -f /dev/null"):
        # It is QEMU's first deed, and may come before Popen has returned.
        with self.assertRaises(UserError) as caught:
            self.boot(f"{before}\nkill -{number.value} {os.getpid()}\n{after}")
        return caught.exception.status

    def test_interrupt_is_130(self):
        self.assertEqual(self.ended_by(signal.SIGINT), 130)

    def test_interrupt_works_in_the_background_of_a_script(self):
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as sh leaves it behind `&`
        self.assertEqual(self.ended_by(signal.SIGINT), 130)

    def test_a_second_termination_does_no_harm(self):
        # timeout(1) sends two, and the second finds us ending QEMU.
        again = f"trap 'kill -TERM {os.getpid()}; exit 0' TERM"
        self.assertEqual(self.ended_by(signal.SIGTERM, again, "while :; do sleep 0.1; done"), 143)

    def test_in_the_background_of_a_terminal_it_is_not_stopped(self):
        self.program.write_text("#!/bin/sh\nread line || exit 33\n")
        self.program.chmod(0o755)
        child, terminal = pty.fork()
        if child == 0:  # the leader of a terminal, whose job moves into the background
            job = os.fork()
            if job == 0:
                os.setpgid(0, 0)
                with open(os.devnull, "w", encoding="utf-8") as quiet:
                    os.dup2(quiet.fileno(), 1)
                os._exit(run.boot(qemu.Machine("image"), timeout=20))
            _, status = os.waitpid(job, os.WUNTRACED)
            os._exit(status >> 8 if os.WIFEXITED(status) else 99)
        self.addCleanup(os.close, terminal)
        self.assertEqual(os.waitpid(child, 0)[1] >> 8, 0)

    def test_termination_ends_qemu_too(self):
        self.assertEqual(self.ended_by(signal.SIGTERM), 143)


if __name__ == "__main__":
    unittest.main()
