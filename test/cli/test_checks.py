# SPDX-License-Identifier: MIT
"""What exocore finds out before a machine starts."""

import os
import socket
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import here  # noqa: F401  (sets the path)
from exocore_cli import checks, qemu
from exocore_cli.report import UserError


class Ports(unittest.TestCase):
    """A port that somebody has."""

    def test_busy_port_is_named_with_a_way_out(self):
        for kind, proto in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
            with self.subTest(proto=proto), socket.socket(socket.AF_INET, kind) as busy:
                busy.bind(("127.0.0.1", 0))
                if proto == "tcp":
                    busy.listen()
                number = busy.getsockname()[1]
                with self.assertRaises(UserError) as caught:
                    checks.ports_are_free([qemu.Port(number, 80, proto)])
                self.assertIn(f"port {number}", str(caught.exception))
                self.assertIn("--port", str(caught.exception))

    def test_busy_gdb_port_does_not_advise_another(self):
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            with mock.patch.object(qemu, "GDB_PORT", busy.getsockname()[1]), \
                    self.assertRaises(UserError) as caught:
                checks.gdb_port_is_free()
            self.assertIn(f"port {busy.getsockname()[1]}", str(caught.exception))
            self.assertNotIn("--port", str(caught.exception))

    def test_free_port_passes(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            number = probe.getsockname()[1]
        checks.ports_are_free([qemu.Port(number, 80), qemu.Port(number, 80, "udp")])


class Tap(unittest.TestCase):
    """TAP devices, in a made-up /sys."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.sysfs = Path(scratch.name)
        self.tun = self.sysfs / "tun"
        self.tun.touch()

    def device(self, name, **files):
        (self.sysfs / name).mkdir()
        for file, text in files.items():
            (self.sysfs / name / file).write_text(text)

    def refused(self, name, tun=None):
        with self.assertRaises(UserError) as caught:
            checks.tap(name, self.sysfs, tun or self.tun)
        return str(caught.exception)

    def test_missing(self):
        self.assertIn("ip tuntap add dev tap7", self.refused("tap7"))
        self.assertIn("no TAP device", self.refused("../x"))

    def test_no_tap(self):
        self.device("eth0")
        self.assertIn("no TAP device", self.refused("eth0"))

    def test_ours(self):
        self.device("tap0", tun_flags="0x1002\n", owner=f"{os.geteuid()}\n")
        checks.tap("tap0", self.sysfs, self.tun)
        self.assertIn("cannot open", self.refused("tap0", "/dev/no-such-tun"))


class Accelerator(unittest.TestCase):
    """KVM only where the hardware has it."""

    def usable(self, cpuinfo, device="/dev/null"):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(cpuinfo)
            file.flush()
            return qemu.kvm_usable(device, file.name)

    def test_needs_vmx_or_svm(self):
        self.assertTrue(self.usable("flags : fpu vmx sse\n"))
        self.assertTrue(self.usable("flags : fpu svm\n"))
        self.assertFalse(self.usable("flags : fpu sse vmx_like\n"))

    def test_needs_the_device(self):
        self.assertFalse(self.usable("flags : vmx\n", "/dev/no-such-kvm"))

    def test_choice(self):
        self.assertEqual(checks.accelerator("auto", lambda: True), "kvm")
        self.assertEqual(checks.accelerator("auto", lambda: False), "tcg")
        self.assertEqual(checks.accelerator("tcg", lambda: True), "tcg")
        with self.assertRaises(UserError):
            checks.accelerator("kvm", lambda: False)


if __name__ == "__main__":
    unittest.main()
