#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the interrupt stubs to general registers: nobody saves vector or floating-point state.

An interrupt comes in the middle of any code, and what it changes there stays changed. The
stubs are assembled alone, and no instruction of theirs may name such a register or belong to
the x87 unit. A fault may call C, for it does not come back.
"""
import re
import subprocess
import tempfile
from pathlib import Path

from purity import compile_object
from tree import run

STUBS = "hal/vectors.asm"
STATE = re.compile(r"%(?:[xyz]?mm|st|k[0-7]\b)"
                   r"|\t(?:f[a-z]\w*|v?ldmxcsr|v?stmxcsr|xsave\w*|xrstor\w*)\b")


def check(tree, _args=None):
    if not (tree.root / STUBS).is_file():
        return [f"{STUBS} is missing"]
    with tempfile.TemporaryDirectory() as scratch:
        compiled = compile_object(tree.root, STUBS, Path(scratch))
        listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(compiled)],
                                 capture_output=True, text=True, check=True, timeout=60).stdout
    return [f"{STUBS}: {line.strip()}: an interrupt must not touch this"
            for line in listing.splitlines() if STATE.search(line)]


if __name__ == "__main__":
    run(check, __doc__)
