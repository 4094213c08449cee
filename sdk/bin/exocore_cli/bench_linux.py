# SPDX-License-Identifier: MIT
"""A Linux guest to measure beside ours: Debian's kernel, had through apt, and bench/linux as
its whole user space. Kept in build/linux, so only the first run needs the network.
"""

import gzip
import re
import subprocess

from . import advice, bench_guest, build
from .report import UserError, cause, must, step

PACKAGE = "linux-image-cloud-amd64"  # depends on the newest kernel, whose name has a version
SOURCE = build.ROOT / "bench" / "linux" / "bench.c"
HOME = build.BUILD / "linux"
CFLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]
CMDLINE = "console=ttyS0 quiet panic=-1"
MEMORY = "256M"


class Unavailable(Exception):
    """Why there is no Linux to measure: one line."""


def kernel():
    """Its file; through apt, which checks what it fetches against Debian's signature."""
    found = sorted(HOME.glob("root/boot/vmlinuz-*"))
    if not found:
        fetch(kernel_package())
        found = sorted(HOME.glob("root/boot/vmlinuz-*"))
    if not found:
        raise Unavailable(f"{PACKAGE} has no kernel in /boot")
    return found[-1]


def kernel_package():
    """The package with the kernel itself."""
    try:
        listing = subprocess.run(["apt-cache", "depends", PACKAGE], capture_output=True,
                                 text=True, check=False)
    except FileNotFoundError:
        raise Unavailable("there is no apt here to fetch its kernel with") from None
    return dependency(listing.stdout)


def dependency(listing):
    """The kernel's package in the words of apt-cache depends."""
    found = re.search(r"Depends: (linux-image-\d\S*)", listing)
    if not found:
        raise Unavailable(f"apt knows no {PACKAGE}: run  sudo apt-get update")
    return found.group(1)


def fetch(package):
    """Downloads a package and unpacks it, without installing it."""
    HOME.mkdir(parents=True, exist_ok=True)
    log = build.LOGS / "linux-download.log"
    if step(f"download {package}", ["apt-get", "download", package], log, cwd=HOME):
        raise Unavailable(f"apt-get download {package}: {cause(log)}")
    for deb in HOME.glob("linux-image-*.deb"):
        must(f"unpack {package}", ["dpkg-deb", "-x", deb, HOME / "root"],
             build.LOGS / "linux-unpack.log", advice.of)
        deb.unlink()


def init():
    """bench/linux as a static program, and the archive that holds it."""
    program = HOME / "init"
    must("build bench/linux", ["gcc", *CFLAGS, "-o", program, SOURCE],
         build.LOGS / "linux-build.log", advice.of)
    archive = HOME / "initramfs.gz"
    archive.write_bytes(gzip.compress(cpio([("dev", 0o040755, 0, 0, b""),
                                            ("dev/console", 0o020600, 5, 1, b""),
                                            ("init", 0o100755, 0, 0, program.read_bytes())]),
                                      compresslevel=1))
    return archive


def cpio(entries):
    """An archive as the kernel wants its initramfs ("newc"): (name, mode, device's major and
    minor number, content) each."""
    out = bytearray()
    for inode, (name, mode, major, minor, content) in enumerate(
            [*entries, ("TRAILER!!!", 0, 0, 0, b"")], 1):
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(name) + 1, 0)
        out += b"070701" + "".join(f"{field:08x}" for field in fields).encode()
        out += name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4) + content
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def console():
    """What the guest said, measured as our image is."""
    files = kernel(), init()
    try:
        return bench_guest.console(files[0], memory=MEMORY, firmware="direct", cmdline=CMDLINE,
                                   extra=[*bench_guest.ICOUNT, "-initrd", str(files[1])])
    except UserError as error:
        raise Unavailable(str(error)) from None
