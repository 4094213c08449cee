# SPDX-License-Identifier: MIT
"""Holds bootloader/handoff.inc and core/handoff.h to one layout.

Names come from the header: each field and constant is asked for in both languages, by a C
program that prints offsetof and a NASM file that lists its equates. So a field that the
.inc lacks does not assemble, and a size that differs betrays a field that the header lacks.
"""
import argparse
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

STRUCTS = ("handoff_range", "handoff")


def names(header: str) -> list[tuple[str, str]]:
    """(C expression, NASM expression) for everything that the header defines."""
    pairs = []
    for name in STRUCTS:
        body = re.search(rf"^struct {name} {{\n(.*?)^}};", header, re.M | re.S).group(1)
        for field in re.findall(r"^\s+uint\d+_t (\w+)(?:\[\d+\])?;", body, re.M):
            pairs.append((f"offsetof(struct {name}, {field})", f"{name}.{field}"))
        pairs.append((f"sizeof(struct {name})", f"{name}_size"))
    constants = re.findall(r"^#define (HANDOFF_\w+) +\S", header, re.M)
    constants += re.findall(r"^    (HANDOFF_\w+) = ", header, re.M)
    return pairs + [(name, name) for name in constants]


def values_in_c(header: pathlib.Path, expressions: list[str], scratch: pathlib.Path) -> list[int]:
    source = scratch / "handoff.c"
    lines = "".join(f'    printf("%llu\\n", (unsigned long long)({e}));\n' for e in expressions)
    source.write_text(f'#include <stdio.h>\n#include "{header}"\nint main(void)\n{{\n{lines}}}\n')
    subprocess.run(["cc", "-o", scratch / "handoff", source], check=True)
    out = subprocess.run([scratch / "handoff"], check=True, stdout=subprocess.PIPE, text=True)
    return [int(line) for line in out.stdout.split()]


def values_in_nasm(inc: pathlib.Path, expressions: list[str], scratch: pathlib.Path) -> list[int]:
    source = scratch / "handoff.asm"
    lines = "".join(f"    dq {e}\n" for e in expressions)
    source.write_text(f'%include "{inc}"\n    section .text\n{lines}')
    subprocess.run(["nasm", "-f", "bin", "-o", scratch / "handoff.bin", source], check=True,
                   stderr=subprocess.PIPE, text=True)
    return [value for value, in struct.iter_unpack("<Q", (scratch / "handoff.bin").read_bytes())]


def differences(header: pathlib.Path, inc: pathlib.Path) -> list[str]:
    """One line for each name that means two things."""
    pairs = names(header.read_text())
    with tempfile.TemporaryDirectory(prefix="exocore-") as folder:
        scratch = pathlib.Path(folder)
        in_c = values_in_c(header.resolve(), [c for c, _ in pairs], scratch)
        try:
            in_nasm = values_in_nasm(inc.resolve(), [n for _, n in pairs], scratch)
        except subprocess.CalledProcessError as error:
            return [re.sub(r"^.*error: ", f"{inc.name}: ", line)
                    for line in error.stderr.splitlines()]
    return [f"{name}: {c} in {header.name}, {nasm} in {inc.name}"
            for (_, name), c, nasm in zip(pairs, in_c, in_nasm) if c != nasm]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, required=True)
    root = parser.parse_args().root
    found = differences(root / "core/handoff.h", root / "bootloader/handoff.inc")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
