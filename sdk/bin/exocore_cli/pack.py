# SPDX-License-Identifier: MIT
"""The build's last step: disk image, manifest and sizes of one app.

The manifest is what `exocore run` knows about an app: its image and the ports it serves.
"""

import argparse
import json
import sys
from pathlib import Path

from . import elf as elf_format
from . import qemu
from .image import make_image


def sizes(elf, image_bytes):
    """Bytes by kind, in the order in which they are printed."""
    by_kind = dict.fromkeys(["text", "rodata", "data", "bss", "symbols"], 0)
    for segment in elf.loads():
        if segment.flags & elf_format.PF_X:
            by_kind["text"] += segment.filesz
        elif segment.flags & elf_format.PF_W:
            by_kind["data"] += segment.filesz
            by_kind["bss"] += segment.memsz - segment.filesz
        else:
            by_kind["rodata"] += segment.filesz
    table = elf.section(".symbols")
    if table:
        by_kind["symbols"] = table.size
        by_kind["rodata"] -= table.size
    by_kind["image"] = image_bytes
    return by_kind


def pack(args):
    """Writes image and manifest; returns the line of sizes."""
    kernel = Path(args.elf).read_bytes()
    image = make_image(Path(args.stage1).read_bytes(), Path(args.stage2).read_bytes(),
                       kernel, args.cmdline)
    Path(args.image).write_bytes(image)
    by_kind = sizes(elf_format.Elf(kernel), len(image))
    manifest = {"name": args.name, "elf": str(Path(args.elf).resolve()),
                "image": str(Path(args.image).resolve()), "ports": args.port, "bytes": by_kind}
    Path(args.manifest).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return f"{args.name}: " + " ".join(f"{kind} {count}" for kind, count in by_kind.items())


def main():
    """python3 -m exocore_cli.pack: see cmake/ExoApp.cmake."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("name", "elf", "stage1", "stage2", "image", "manifest"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--cmdline", default="")
    parser.add_argument("--port", action="append", default=[])
    args = parser.parse_args()
    try:
        for port in args.port:
            qemu.Port.parse(port)
        print(pack(args))
    except (elf_format.ElfError, OSError, ValueError) as error:
        print(f"exocore: exo_app({args.name}): {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
