# SPDX-License-Identifier: MIT
"""QEMU's command line for an image, and what its exit code means.

`exocore run` and the tests (test/support/qemu.py) start machines through this one module.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = "qemu-system-x86_64"
DEBUG_EXIT = "isa-debug-exit,iobase=0xf4,iosize=0x04"
OVMF = "/usr/share/OVMF/"  # where Debian's package ovmf puts UEFI firmware
OVMF_CODE = {"uefi": OVMF + "OVMF_CODE_4M.fd", "secureboot": OVMF + "OVMF_CODE_4M.secboot.fd"}
OVMF_VARS = OVMF + "OVMF_VARS_4M.fd"
GDB_PORT = 1234
NIC = "virtio-net-pci,disable-legacy=on,romfile=,netdev=n0"  # no option ROM: no boot by network
NIC_MMIO = "virtio-net-device,netdev=n0"
# No bus, no option ROMs, no clock but the CPU's: what a monitor for microVMs gives. Without
# ACPI, for then QEMU names its devices on the command line.
MICROVM = "microvm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=on,x-option-roms=off"
MICROVM_WORD = " virtio_mmio.device=512@0xfeb02e00:12"  # what QEMU adds for one, of this length
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


# How a disk is plugged in: devices for the drive "disk", in their order. IDE is AHCI on q35.
DISKS = {
    "ide": ["ide-hd,drive=disk"],
    "cd": ["ide-cd,drive=disk"],
    "virtio": ["virtio-blk-pci,drive=disk"],
    "scsi": ["virtio-scsi-pci", "scsi-hd,drive=disk"],
    "nvme": ["nvme,serial=exocore,drive=disk"],
    "usb": ["qemu-xhci", "usb-storage,drive=disk"],
    "floppy": ["floppy,drive=disk"],
    "none": [],  # the drive is there; `extra` plugs it in
}


@dataclass
class Machine:
    """What to boot and on which machine."""
    image: str  # a disk image, or with firmware "direct" an ELF file
    memory: str = "64M"
    machine: str = "pc"  # pc, q35, microvm, or QEMU's own words
    firmware: str = "bios"  # or one of OVMF_CODE (secureboot wants machine "q35,smm=on"), or
    # "direct": QEMU loads the ELF file itself and there is no disk
    cmdline: str = ""  # with firmware "direct" only: a disk image has its own
    accel: str = "tcg"
    cpus: int = 1
    net: str = "user"  # "user", "tap=NAME", "none", or a whole -netdev value with id=n0
    ports: list = field(default_factory=list)
    serial: str = "stdio"
    console_log: str = ""  # a file that keeps what a console on stdio says
    disk: str = "ide"  # how the image is plugged in: one of DISKS
    format: str = "raw"
    keep: bool = False  # what the guest writes stays in the image
    nvram: str = OVMF_VARS  # UEFI's variables to begin with; what is changed is forgotten
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

    def firmware_arguments(self):
        """Flash chips for UEFI; QEMU finds its BIOS by itself."""
        if self.firmware not in OVMF_CODE:
            return []
        arguments = ["-drive", "if=pflash,unit=0,format=raw,readonly=on,"
                     f"file={OVMF_CODE[self.firmware]}",
                     "-drive", "if=pflash,unit=1,format=raw,snapshot=on,"
                     f"file={quoted(self.nvram)}"]
        if self.firmware == "secureboot":  # then only SMM may write the variables
            arguments += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
        return arguments

    def console(self):
        """Where the first serial port goes."""
        if self.serial != "stdio" or not self.console_log:
            return ["-serial", self.serial]
        return ["-chardev", f"stdio,id=console,logfile={quoted(self.console_log)}",
                "-serial", "chardev:console"]

    def medium(self):
        """What is booted, and from where."""
        if self.firmware == "direct":
            return ["-kernel", self.image, "-append", self.cmdline]
        drive = f"file={quoted(self.image)},format={self.format},id=disk,if=none"
        drive += "" if self.keep else ",snapshot=on"
        devices = [word for device in DISKS[self.disk] for word in ("-device", device)]
        return ["-drive", drive, *devices]

    def command(self):
        """The whole command, argument by argument."""
        cpu = "host" if self.accel == "kvm" else "max"
        machine = MICROVM if self.machine == "microvm" else self.machine
        command = [PROGRAM, "-M", machine, "-accel", self.accel, "-cpu", cpu,
                   "-m", self.memory, "-smp", str(self.cpus),
                   "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                   *self.console(), "-device", DEBUG_EXIT, *self.medium(),
                   *self.firmware_arguments()]
        netdev = self.netdev()
        if netdev and machine.startswith("microvm"):
            command += ["-global", "virtio-mmio.force-legacy=false", "-netdev", netdev,
                        "-device", NIC_MMIO]
        elif netdev:
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
