# SPDX-License-Identifier: MIT
"""What can be known to fail before a machine starts: ports, TAP devices, options."""

import os
import re
import socket
from pathlib import Path

from . import qemu
from .report import UserError

IFF_TAP = 2
CHARDEVS = ("stdio", "pty", "null", "none", "vc")


def port(text):
    """A --port value."""
    try:
        return qemu.Port.parse(text)
    except ValueError as error:
        raise UserError(f"--port {error}", 2) from None


def port_is_free(number, proto="tcp"):
    """True if this machine's loopback has nobody on that port."""
    kind = socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:  # as QEMU does: a closed connection's wait is no user
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except PermissionError:
            raise UserError(f"port {number} needs root on this machine: choose another, "
                            f"--port 8{number % 1000:03}:…") from None
        except OSError:
            return False
    return True


def ports_are_free(ports):
    """Ends the command at the first port that somebody else has."""
    for entry in ports:
        if not port_is_free(entry.host, entry.proto):
            slash = "/udp" if entry.proto == "udp" else ""
            raise UserError(f"port {entry.host}{slash} is in use on this machine: end the program "
                            f"that has it, or choose another: --port {entry.host + 1}:"
                            f"{entry.guest}{slash}")


def gdb_port_is_free():
    """Ends the command if somebody, another --gdb perhaps, has gdb's port."""
    if not port_is_free(qemu.GDB_PORT):
        raise UserError(f"--gdb: port {qemu.GDB_PORT} is in use on this machine: end the program "
                        "that has it")


def tap(name, sysfs="/sys/class/net", tun="/dev/net/tun"):
    """Ends the command if the TAP device is not there or not ours to use."""
    device = Path(sysfs) / name
    create = f"sudo ip tuntap add dev {name} mode tap user $USER && sudo ip link set {name} up"
    if not name or "/" in name or not device.exists():
        raise UserError(f"there is no TAP device '{name}': make one:  {create}")
    try:
        flags = int((device / "tun_flags").read_text(encoding="utf-8"), 16)
    except (OSError, ValueError):
        flags = 0
    if not flags & IFF_TAP:
        raise UserError(f"'{name}' is a network device but no TAP device: make one:  "
                        + create.replace(name, "tap0"))
    owner = (device / "owner").read_text(encoding="utf-8").strip()
    if os.geteuid() != 0 and owner != str(os.geteuid()):
        raise UserError(f"the TAP device '{name}' is not yours: run with sudo, or make it "
                        f"again:  {create}")
    try:
        os.close(os.open(tun, os.O_RDWR))
    except OSError as error:
        raise UserError(f"cannot open {tun} ({error.strerror}): load the module tun, or run "
                        "where TAP devices are allowed") from None


def network(value):
    """A --net value; TAP devices are looked at."""
    if value in ("user", "none"):
        return value
    if value.startswith("tap="):
        tap(value[len("tap="):])
        return value
    raise UserError(f"--net {value}: it is user, tap=NAME or none", 2)


def serial(value):
    """A --serial value as QEMU takes it: a plain file name becomes file:NAME."""
    if value in CHARDEVS or ":" in value:
        return value
    parent = Path(value).resolve().parent
    if not parent.is_dir():
        raise UserError(f"--serial {value}: there is no directory {parent}", 2)
    return f"file:{value}"


def accelerator(value, kvm=qemu.kvm_usable):
    """kvm or tcg for auto, kvm, tcg."""
    if value == "auto":
        return "kvm" if kvm() else "tcg"
    if value == "kvm" and not kvm():
        raise UserError("--accel kvm: this machine has no usable KVM (/dev/kvm must open and "
                        "/proc/cpuinfo list vmx or svm): use --accel tcg")
    return value


def firmware(value):
    """Only the BIOS road exists today."""
    if value != "bios":
        raise UserError(f"--firmware {value} is not built yet: images boot by BIOS (--firmware "
                        "bios)", 2)


def memory(value):
    """A --memory value: a number of mebibytes, or with M or G. QEMU takes 0 for its default."""
    if not re.fullmatch("0*[1-9][0-9]*[MG]?", value):
        raise UserError(f"--memory {value}: write it like 64M or 1G", 2)
    return value
