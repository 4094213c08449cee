# SPDX-License-Identifier: MIT
"""The programs that each command needs, and their installation through apt."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .report import UserError, cause, step

# Debian package -> what shows that it is there: a program, or a file with a path.
BUILD = {
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdlib.h",
    "nasm": "nasm",
    "cmake": "cmake",
    "ninja-build": "ninja",
    "meson": "meson",
    "mtools": "mformat",
}
RUN = {"qemu-system-x86": "qemu-system-x86_64"}
UEFI = {"ovmf": "/usr/share/OVMF/OVMF_CODE_4M.fd"}
SIGN = {"sbsigntool": "sbsign", "mtools": "mcopy"}
TEST = {
    "pkg-config": "pkg-config",
    "check": "/usr/include/check.h",
    "shellcheck": "shellcheck",
    "curl": "curl",
    "openssl": "openssl",
    "wrk": "wrk",
    "iproute2": "ip",
    "dnsmasq-base": "dnsmasq",
    "gdisk": "sgdisk",
    "grub-common": "grub-mkrescue",
    "grub-pc-bin": "/usr/lib/grub/i386-pc/multiboot2.mod",
    "xorriso": "xorriso",
    "qemu-utils": "qemu-img",
    "dosfstools": "fsck.fat",
    "bochs": "bochs",
}
NEEDS = {
    "image": BUILD,
    "convert": {"qemu-utils": "qemu-img"},
    "run": {**BUILD, **RUN},
    "uefi": UEFI,
    "sign": SIGN,
    "test": {**BUILD, **RUN, **UEFI, **SIGN, **TEST},
}
SBIN = ":/usr/sbin:/sbin"  # ip and dnsmasq live there, and a user's PATH may not name it


def present(sign):
    """True if the program or file is there."""
    if sign.startswith("/"):
        return Path(sign).exists()
    return shutil.which(sign, path=os.environ.get("PATH", "") + SBIN) is not None


def missing(command):
    """The packages that `command` needs and this machine has not."""
    return [package for package, sign in NEEDS[command].items() if not present(sign)]


def root_prefix():
    """How to become root: nothing to add, sudo, or None if neither works."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    silent = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    if silent.returncode == 0:
        return ["sudo", "-n"]
    if sys.stdin.isatty():
        asked = subprocess.run(["sudo", "-v", "-p", "exocore installs packages; password of %u: "],
                               check=False)
        return ["sudo", "-n"] if asked.returncode == 0 else None
    return None


def ensure(command, log_dir):
    """Installs what is missing for `command`, or ends with one line that says what to do."""
    packages = missing(command)
    if not packages:
        return
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise UserError(f"missing: {names} (Debian's names), and there is no apt-get here: "
                        "install them in your system's way")
    root = root_prefix()
    if root is None:
        raise UserError(f"missing packages, and no right to install them: "
                        f"run  sudo apt-get install {names}")
    install(packages, root, log_dir)
    absent = missing(command)
    if absent:
        raise UserError(f"apt-get installed {' '.join(absent)}, but the programs are not found: "
                        "see the log in " + str(log_dir))


def install(packages, root, log_dir):
    """apt-get install; with fresh package lists if the present ones do not suffice."""
    log = log_dir / "apt-install.log"
    names = " ".join(packages)
    env = ["env", "DEBIAN_FRONTEND=noninteractive"]
    command = [*root, *env, "apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y",
               "--no-install-recommends", *packages]
    if step(f"install {names}", command, log) == 0:
        return
    step("update the package lists", [*root, *env, "apt-get", "update"],
         log_dir / "apt-update.log")
    if step(f"install {names}", command, log):
        raise UserError(f"installing {names} failed: {cause(log)}; check the network and "
                        f"apt's sources, or install them yourself (log: {log})")
