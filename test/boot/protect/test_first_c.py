#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""At core's first C instruction, on every road, no page is writable and executable, and the
low half is empty: test_first_c.py BUILD

Asks QEMU's gdb server to stop there, and reads the page tables as the CPU does."""

import re
import socket
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
from exocore_cli import elf  # noqa: E402  (the path above comes first)
from qemu import Guest  # noqa: E402

BUILD = Path(sys.argv[1])
SECONDS = 120
PRESENT, WRITABLE, LARGE, NO_EXECUTE = 1, 2, 1 << 7, 1 << 63
ADDRESS = 0x000FFFFFFFFFF000
CR0_WP, EFER_NXE = 1 << 16, 1 << 11


class Debugger:
    """As much of gdb's remote protocol as stopping once and asking QEMU's monitor takes."""

    def __init__(self, guest, listener):
        self.guest = guest
        self.socket = listener.accept()[0]
        self.socket.settimeout(SECONDS)
        self.stream = self.socket.makefile("rb")

    def close(self):
        """Lets go of the machine."""
        self.stream.close()
        self.socket.close()

    def send(self, text):
        """One packet."""
        self.socket.sendall(f"${text}#{sum(text.encode()) & 255:02x}".encode())

    def byte(self):
        """The next byte."""
        got = self.stream.read(1)
        if not got:
            raise self.guest.failure(f"QEMU ended, the image's status is {self.guest.wait()}")
        return got

    def receive(self):
        """The next packet's content."""
        while self.byte() != b"$":
            pass
        text = b""
        while not text.endswith(b"#"):
            text += self.byte()
        self.stream.read(2)
        self.socket.sendall(b"+")
        return text[:-1].decode()

    def run_to(self, address):
        """Goes on until the instruction at the address is next."""
        self.send(f"Z1,{address:x},1")
        assert self.receive() == "OK"
        self.send("c")
        while not self.receive().startswith("T05"):
            pass

    def monitor(self, command):
        """What QEMU's monitor has to say."""
        self.send("qRcmd," + command.encode().hex())
        said = ""
        while True:
            text = self.receive()
            if text == "OK":
                return said
            said += bytes.fromhex(text[1:]).decode()  # behind an O

    def words(self, address, count):
        """That many 64-bit words of physical memory."""
        lines = self.monitor(f"xp /{count}gx {address:#x}").splitlines()
        return [int(word, 16) for line in lines for word in line.split(": ")[1].split()]


class FirstC(unittest.TestCase):
    """hello, kept where it is linked."""

    def pages(self, debugger, table, level=3, above=(0, True, True)):
        """(address, writable, executable) of each page, by the rights of all levels."""
        start, may_write, may_run = above
        for i, entry in enumerate(debugger.words(table, 512)):
            if not entry & PRESENT:
                continue
            here = (start | i << 12 + 9 * level, may_write and bool(entry & WRITABLE),
                    may_run and not entry & NO_EXECUTE)
            if level == 0 or entry & LARGE:
                yield here
            else:
                yield from self.pages(debugger, entry & ADDRESS, level - 1, here)

    def check(self, image, **machine):
        """Boots as far as core_main and looks."""
        symbols = elf.Elf((BUILD / "hello.elf").read_bytes()).symbols()
        core_main = next(s.value for s in symbols if s.name == "core_main")
        with tempfile.TemporaryDirectory(prefix="exocore-") as folder, \
                socket.socket(socket.AF_UNIX) as listener:
            path = f"{folder}/gdb"
            listener.bind(path)
            listener.listen()
            listener.settimeout(SECONDS)
            extra = ["-S", "-gdb", f"unix:{path}"]
            with Guest(BUILD / image, cmdline="nokaslr", net="none", extra=extra,
                       **machine) as guest:
                debugger = Debugger(guest, listener)
                self.addCleanup(debugger.close)
                debugger.run_to(core_main)
                self.look(debugger)

    def look(self, debugger):
        """The registers, and every page."""
        registers = dict(re.findall(r"\b(CR0|CR3|EFER)=([0-9a-f]+)",
                                    debugger.monitor("info registers")))
        self.assertTrue(int(registers["CR0"], 16) & CR0_WP)
        self.assertTrue(int(registers["EFER"], 16) & EFER_NXE)
        pages = list(self.pages(debugger, int(registers["CR3"], 16) & ADDRESS))
        self.assertGreater(len(pages), 10)
        for at, may_write, may_run in pages:
            self.assertFalse(may_write and may_run, f"{at:#x} is writable and executable")
            self.assertGreaterEqual(at, 1 << 47, f"{at:#x} is mapped in the low half")
        self.assertTrue(any(may_run for _, _, may_run in pages))

    def test_bios(self):
        self.check("hello.img")

    def test_direct(self):
        self.check("hello.elf", firmware="direct")

    def test_uefi(self):
        self.check("hello.img", firmware="uefi", machine="q35")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
