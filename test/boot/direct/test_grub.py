#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GRUB loads the ELF file by its Multiboot2 header: test_grub.py BUILD

Makes a CD with grub-mkrescue and boots it. Exit status 77, skipped, without that program.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest  # noqa: E402  (the path above comes first)

SKIPPED = 77
CONFIG = """\
set timeout=0
multiboot2 /boot/handoff.elf {words}
{module}
boot
"""


def make_cd(folder, build, words, module=""):
    """A CD whose GRUB boots handoff.elf with these words. Returns its path."""
    boot = Path(folder) / "tree/boot"
    (boot / "grub").mkdir(parents=True, exist_ok=True)
    shutil.copy(build / "handoff.elf", boot)
    (boot / "module").write_bytes(bytes(4 << 20))
    (boot / "grub/grub.cfg").write_text(CONFIG.format(words=words, module=module))
    disc = Path(folder) / "cd.iso"
    subprocess.run(["grub-mkrescue", "-o", disc, boot.parent, "--fonts=", "--locales=",
                    "--themes=", "--install-modules=normal multiboot2 iso9660 biosdisk"],
                   check=True, capture_output=True, timeout=120)
    return disc


def boot(disc, machine):
    """Boots the CD and expects that every fact was as it should be."""
    with Guest(disc, machine=machine, net="none", disk="cd") as guest:
        status = guest.wait(60)
        guest.expect(r"^handoff: GRUB .*, 0 failures$", seconds=0)
        if status != 0:
            raise guest.failure(f"exit status {status}")
        print(guest.log)


def main():
    """Ends without an error if GRUB boots it on both machines, or is not here."""
    build = Path(sys.argv[1])
    if not shutil.which("grub-mkrescue") or not Path("/usr/lib/grub/i386-pc").exists():
        print("SKIPPED: no grub-mkrescue for BIOS here (grub-common, grub-pc-bin, xorriso)")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="exocore-") as folder:
        boot(make_cd(folder, build, "4 loader=GRUB rsdp=1"), "pc")
        boot(make_cd(folder, build, "4 kib_max=61440", "module2 /boot/module"), "q35")


if __name__ == "__main__":
    main()
