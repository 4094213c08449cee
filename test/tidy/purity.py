#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves by nm that PURE layers keep no state and call nothing from outside.

Each source is compiled alone, as the product would be (no sanitizer: those add state of
their own). A PURE object has no writable symbol, and every symbol that it lacks is its
layer's own, of a layer that it sees, one of mem*, or exo_assert_failed.
"""
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tree import run

# Patterns are left alone: gcc would make strlen out of a loop, and what is judged is what
# was written. __popcountdi2 is how it counts bits on a CPU that may lack the instruction.
CFLAGS = ["-std=gnu17", "-O2", "-w", "-fno-common", "-fno-pic", "-fno-strict-aliasing",
          "-fno-stack-protector", "-fno-omit-frame-pointer", "-mno-red-zone",
          "-fno-tree-loop-distribute-patterns"]
OUTSIDE = {"memcpy", "memset", "memcmp", "memmove", "exo_assert_failed", "__popcountdi2"}
WRITABLE = set("bBdDCsSgGvV")


def compile_object(root, source, objects, flags=()):
    """Compiles or assembles one source of the tree; returns the object's path."""
    out = Path(objects) / (source.replace("/", "__") + ".o")
    if source.endswith(".asm"):
        command = ["nasm", "-f", "elf64", f"-I{root}/", "-o", str(out), source]
    else:
        command = ["gcc", *CFLAGS, *flags, f"-I{root}", f"-I{root}/sdk/include",
                   "-c", source, "-o", str(out)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{source}: does not compile alone:\n{done.stderr}")
    return out


def compile_all(root, sources, objects, flags=()):
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = [pool.submit(compile_object, root, s, objects, flags) for s in sources]
        return dict(zip(sources, (job.result() for job in jobs)))


def symbols(obj):
    """(name, type letter) of each symbol of an object or an archive."""
    listing = subprocess.run(["nm", str(obj)], capture_output=True, text=True, check=True,
                             timeout=60).stdout
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 2 and len(words[-2]) == 1:
            yield words[-1], words[-2]


def exported(objects):
    return {name for obj in objects for name, kind in symbols(obj)
            if kind.isupper() and kind != "U"}


def check_layer(layer, objects, reachable):
    for source, obj in objects.items():
        for name, kind in symbols(obj):
            if kind in WRITABLE:
                yield f"{source}: {name} is writable file-scope state; {layer.name} is PURE"
            elif kind == "U" and name not in reachable:
                yield f"{source}: calls {name}, which {layer.name} does not see"


def check(tree, _args=None):
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        objects = {}
        for layer in tree.layers.values():
            if layer.pure:
                sources = tree.sources_of(layer, ".c", ".asm")
                objects[layer.name] = compile_all(tree.root, sources, scratch)
        for name, mine in objects.items():
            layer = tree.layers[name]
            reachable = set(OUTSIDE)
            for seen in {name, *layer.sees}:
                reachable |= exported(objects.get(seen, {}).values())
            problems.extend(check_layer(layer, mine, reachable))
    return problems


if __name__ == "__main__":
    run(check, __doc__)
