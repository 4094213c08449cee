# SPDX-License-Identifier: MIT
"""QEMU's command line for an image, and what its exit code means.

`exocore run` and the tests (test/support/qemu.py) start machines through this one module.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from . import image as image_format

PROGRAM = "qemu-system-x86_64"
DEBUG_EXIT = "isa-debug-exit,iobase=0xf4,iosize=0x04"
GDB_PORT = 1234
NIC = "virtio-net-pci,disable-legacy=on,romfile=,netdev=n0"  # no option ROM: no boot by network
STATUS_BIAS = 16  # core_exit writes status + 16, so that no status looks like QEMU's own 1


@dataclass
class Port:
    """A forwarded port: `host` on this machine's loopback reaches `guest` in the image."""
    host: int
    guest: int
    proto: str = "tcp"

    @classmethod
    def parse(cls, text):
        """HOST:GUEST[/udp]; ValueError says what is wrong with it."""
        numbers, slash, proto = text.partition("/")
        host, _, guest = numbers.partition(":")
        proto = proto if slash else "tcp"
        if not host.isdigit() or not guest.isdigit() or proto not in ("tcp", "udp"):
            raise ValueError(f"'{text}' is not HOST:GUEST or HOST:GUEST/udp")
        if not (0 < int(host) < 65536 and 0 < int(guest) < 65536):
            raise ValueError(f"'{text}': a port is a number from 1 to 65535")
        return cls(int(host), int(guest), proto)

    def rule(self):
        """QEMU's hostfwd rule."""
        return f"hostfwd={self.proto}:127.0.0.1:{self.host}-:{self.guest}"


@dataclass
class Machine:
    """What to boot and on which machine."""
    image: str
    memory: str = "64M"
    machine: str = "pc"
    accel: str = "tcg"
    cpus: int = 1
    net: str = "user"  # "user", "tap=NAME", "none", or a whole -netdev value with id=n0
    ports: list = field(default_factory=list)
    serial: str = "stdio"
    disk: str = "ide"  # the image's bus: ide or virtio
    pcap: str = ""
    gdb: bool = False
    extra: list = field(default_factory=list)

    def netdev(self):
        """The -netdev value, empty for no network."""
        if self.net == "none":
            return ""
        if self.net == "user":
            return ",".join(["user", "id=n0"] + [port.rule() for port in self.ports])
        if self.net.startswith("tap="):
            return f"tap,id=n0,ifname={self.net[4:]},script=no,downscript=no"
        return self.net

    def command(self):
        """The whole command, argument by argument."""
        cpu = "host" if self.accel == "kvm" else "max"
        drive = f"file={quoted(self.image)},format=raw,snapshot=on,if={self.disk}"
        command = [PROGRAM, "-M", self.machine, "-accel", self.accel, "-cpu", cpu,
                   "-m", self.memory, "-smp", str(self.cpus),
                   "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                   "-serial", self.serial, "-device", DEBUG_EXIT, "-drive", drive]
        netdev = self.netdev()
        if netdev:
            command += ["-netdev", netdev, "-device", NIC]
        if self.pcap:
            command += ["-object", f"filter-dump,id=pcap,netdev=n0,file={quoted(self.pcap)}"]
        if self.gdb:
            command += ["-gdb", f"tcp:127.0.0.1:{GDB_PORT}", "-S"]
        return command + self.extra


def quoted(path):
    """A file name as one QEMU option value: commas are doubled."""
    return str(path).replace(",", ",,")


def exit_status(code):
    """The image's exit status out of QEMU's exit code; None if the image did not give one.

    isa-debug-exit makes QEMU exit with (value << 1) | 1, value being status + 16. QEMU's
    own failures exit with 1; a reset or triple fault under -no-reboot exits with 0.
    """
    if code >= 0 and code & 1 and (code >> 1) >= STATUS_BIAS:
        return (code >> 1) - STATUS_BIAS
    return None


def set_cmdline(image, text):
    """Writes the app's command line into an image file."""
    line = text.encode()
    limit = image_format.CMDLINE_BYTES
    if len(line) >= limit or b"\0" in line:
        raise ValueError(f"a command line has at most {limit - 1} bytes, none of them zero")
    with open(image, "r+b") as file:
        file.seek(image_format.SECTOR * image_format.STAGE2_LBA + image_format.CMDLINE_OFFSET)
        file.write(line.ljust(limit, b"\0"))


def kvm_usable(device="/dev/kvm", cpuinfo="/proc/cpuinfo"):
    """True where KVM runs guests in hardware.

    A /dev/kvm that opens is not enough: on a CPU without vmx or svm it belongs to an
    emulation in which each privileged instruction costs microseconds.
    """
    try:
        os.close(os.open(device, os.O_RDWR))
        words = Path(cpuinfo).read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return "vmx" in words or "svm" in words
