#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every header alone, twice in one unit: it needs nothing before it, and has a guard."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import run

FLAGS = ["-std=gnu17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wundef",
         "-Wstrict-prototypes", "-Wmissing-prototypes", "-ffreestanding", "-x", "c", "-"]


def include_name(path):
    """As sources write it: the public headers of sdk are found from sdk/include."""
    return path[len("sdk/include/"):] if path.startswith("sdk/include/") else path


def compile_alone(tree, path, libc):
    name = include_name(path)
    unit = f'#include "{name}"\n#include "{name}"\nextern int not_empty;\n'
    paths = [f"-I{tree.root}", f"-I{tree.root}/sdk/include"]
    if libc and not path.startswith("test/"):
        paths += ["-isystem", libc]
    done = subprocess.run(["gcc", *paths, *FLAGS], input=unit, capture_output=True, text=True,
                          timeout=120)
    if done.returncode == 0:
        return None
    first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
    return f"{path}: does not compile alone: {first}"


def check(tree, args=None):
    libc = getattr(args, "libc", None)
    headers = tree.files(".h")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = pool.map(lambda path: compile_alone(tree, path, libc), headers)
    return [problem for problem in results if problem]


if __name__ == "__main__":
    run(check, __doc__, (["--libc"], {"help": "include folder of the target's C library"}))
