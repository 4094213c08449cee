# SPDX-License-Identifier: MIT
"""The table of roads: each row is a machine that one and the same image must boot on, or a
reason why that machine cannot.

A row: {"machine", "firmware", "disk": what docs/boot.md calls them;
        "boot": how to start it, a function from the image's path to a context manager with
        the interface of test/support/qemu.py's Guest;
        "impossible": why it does not boot, for rows that do not}
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from qemu import Guest, GuestError, qemu

ROWS = []

# SeaBIOS resets at once when it finds nothing to boot, and -no-reboot ends QEMU there.
GIVE_UP = ["-boot", "strict=on,reboot-timeout=0"]


def row(machine, firmware, disk, boot, impossible=None):
    """Adds a row."""
    ROWS.append({"machine": machine, "firmware": firmware, "disk": disk, "boot": boot,
                 "impossible": impossible})


def guest(**machine):
    """A way to boot: QEMU with these properties of exocore_cli.qemu.Machine."""
    def boot(image):
        return Guest(image, **{"net": "none", "memory": "16M", "extra": GIVE_UP, **machine})
    return boot


# ---- BIOS: SeaBIOS ----

DISKS = {"ide": "IDE", "virtio": "virtio-blk", "scsi": "virtio-scsi", "nvme": "NVMe",
         "usb": "USB storage", "cd": "CD"}
for name in "pc", "q35":
    for key, title in DISKS.items():
        if (name, key) == ("q35", "ide"):
            title = "AHCI"
        row(name, "SeaBIOS", title, guest(machine=name, disk=key))
row("pc", "SeaBIOS", "USB CD", guest(disk="none", extra=[
    *GIVE_UP, "-device", "qemu-xhci", "-device", "usb-bot,id=bot",
    "-device", "scsi-cd,bus=bot.0,drive=disk"]))

SECTORS_4096 = "logical_block_size=4096,physical_block_size=4096"
for title, devices in (
        ("virtio-blk, 4096-byte sectors", [f"virtio-blk-pci,drive=disk,{SECTORS_4096}"]),
        ("virtio-scsi, 4096-byte sectors",
         ["virtio-scsi-pci", f"scsi-hd,drive=disk,{SECTORS_4096}"]),
        ("NVMe, 4096-byte sectors", [f"nvme,serial=exocore,drive=disk,{SECTORS_4096}"])):
    extra = list(GIVE_UP)
    for device in devices:
        extra += ["-device", device]
    row("pc", "SeaBIOS", title, guest(disk="none", extra=extra),
        "SeaBIOS gives up disks whose sectors are not 512 bytes long. Our own reading of such "
        "disks is tested under a BIOS that has them (`boot.loader`)")


# ---- BIOS: Bochs' own ----

BOCHS_DATA = Path("/usr/share/bochs")
BOCHS = """\
display_library: term
romimage: file={data}/BIOS-bochs-latest
vgaromimage: file={data}/VGABIOS-lgpl-latest
megs: 32
cpu: model=corei7_sandy_bridge_2600k, ips=100000000
ata0-master: type={kind}, path={image}, {how}
boot: {boot}
com1: enabled=1, mode=file, dev={folder}/com1
log: {folder}/log
"""


class Bochs:
    """Bochs with the interface of Guest. It has no exit: a halt is where it ends."""

    def __init__(self, image, cd=False):
        self.log = ""
        self.folder = Path(tempfile.mkdtemp(prefix="exocore-"))
        settings = BOCHS.format(data=BOCHS_DATA, image=Path(image).resolve(), folder=self.folder,
                                kind="cdrom" if cd else "disk", boot="cdrom" if cd else "disk",
                                how="status=inserted" if cd else "mode=volatile")
        (self.folder / "bochsrc").write_text(settings)
        (self.folder / "rc").write_text("c\n")  # its debugger waits for a command: continue
        program = shutil.which("bochs")
        if not program:
            raise GuestError("Debian's bochs is not installed")
        master, slave = os.openpty()  # its screen, and its keyboard
        self.master = master
        self.process = subprocess.Popen(
            [program, "-q", "-f", self.folder / "bochsrc", "-unlock", "-rc", self.folder / "rc"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True, cwd=self.folder,
            env={**os.environ, "TERM": "vt100"})
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, 9)  # a wrapper, and bochs itself
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.master)
        shutil.rmtree(self.folder)

    def wait(self, seconds=60):
        """Reads COM1 until the app has ended. Returns its status."""
        deadline = time.monotonic() + seconds
        os.set_blocking(self.master, False)
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                os.read(self.master, 65536)  # the screen, which must not block it
            except BlockingIOError:
                pass
            com1 = self.folder / "com1"
            self.log = com1.read_text(errors="replace").replace("\r", "") if com1.exists() else ""
            if "exocore: stopped with status 0\n" in self.log:
                return 0
            time.sleep(0.1)
        raise GuestError(f"bochs did not get there\nconsole:\n{self.log}")


row("Bochs 2.7", "Bochs BIOS", "IDE", Bochs)
row("Bochs 2.7", "Bochs BIOS", "CD", lambda image: Bochs(image, cd=True))
row("pc", "Bochs BIOS in QEMU", "IDE", guest(extra=["-bios", f"{BOCHS_DATA}/BIOS-bochs-latest"]),
    "its IDE driver times out again and again on QEMU's controller (\"IDE time out\" on port 402h)")
