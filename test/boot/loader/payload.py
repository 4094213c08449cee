# SPDX-License-Identifier: MIT
"""Writes the pattern that kernel.asm looks for: payload.py WORDS FILE.

Word k is (k mod 65521) * 0x9e3779b1. The period is odd, so that a chunk of the file that
lands one chunk too early or late does not look right.
"""
import array
import pathlib
import sys

PATTERN_WORDS = 65521
PATTERN_STEP = 0x9E3779B1


def pattern(words: int) -> bytes:
    period = array.array("I", (k * PATTERN_STEP & 0xFFFFFFFF for k in range(PATTERN_WORDS)))
    return (period.tobytes() * (words // PATTERN_WORDS + 1))[:words * 4]


if __name__ == "__main__":
    pathlib.Path(sys.argv[2]).write_bytes(pattern(int(sys.argv[1])))
