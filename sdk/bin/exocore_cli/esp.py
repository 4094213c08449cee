# SPDX-License-Identifier: MIT
"""The EFI system partition: a FAT volume made with mtools.

512-byte sectors inside, whatever the disk has: UEFI reads it by bytes.
"""

import os
import subprocess
import tempfile
from pathlib import Path

GRAIN = 1 << 20
OVERHEAD = 64 << 10  # tables and folders
LOADER = "EFI/BOOT/BOOTX64.EFI"
EPOCH = "315532800"  # 1980-01-01, FAT's first day: the same input gives the same volume


def _mtools(program, *arguments):
    env = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "SOURCE_DATE_EPOCH": EPOCH, "TZ": "UTC"}
    env["PATH"] = env.get("PATH", "") + ":/usr/sbin:/sbin"
    try:
        subprocess.run([program, *arguments], check=True, env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        raise ValueError(f"{program} is missing: install Debian's mtools") from None
    except subprocess.CalledProcessError as error:
        raise ValueError(f"{program}: {error.stdout.decode(errors='replace').strip()}") from None


def make(files):
    """A volume with `files`, from a path inside to its content."""
    need = sum(len(content) + 4096 for content in files.values())
    size = -(-(need * 9 // 8 + OVERHEAD) // GRAIN) * GRAIN
    with tempfile.TemporaryDirectory(prefix="exocore-") as folder:
        volume = Path(folder) / "esp.img"
        volume.write_bytes(bytes(size))
        _mtools("mformat", "-i", str(volume), "-T", str(size // 512), "-h", "16", "-s", "63",
                "-N", "45584f43", "-v", "EXOCORE", "::")
        made = set()
        for path, content in sorted(files.items()):
            parents = Path(path).parents
            for parent in sorted(str(p) for p in parents if str(p) != "."):
                if parent not in made:
                    _mtools("mmd", "-i", str(volume), f"::/{parent}")
                    made.add(parent)
            source = Path(folder) / "file"
            source.write_bytes(content)
            os.utime(source, (int(EPOCH), int(EPOCH)))
            _mtools("mcopy", "-i", str(volume), "-m", str(source), f"::/{path}")
        return volume.read_bytes()
