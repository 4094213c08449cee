# SPDX-License-Identifier: MIT
"""The source tree as the tidy checks see it: files, layers, and which file is in which.

The table of layers comes from the build (layers.txt, written by cmake/ExoLayer.cmake):

    name|folder|layer,layer,…|TRUE

one layer a line: its folder, the layers it may see, and whether it is PURE.
"""
import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

NOT_SOURCE = {".git", "build", "__pycache__", ".cache", ".venv"}


@dataclass(frozen=True)
class Layer:
    name: str
    folder: str
    sees: frozenset
    pure: bool


def parse_layers(text):
    layers = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, folder, sees, pure = line.split("|")
        sees = frozenset(s for s in re.split(r"[,; ]+", sees) if s)
        layers[name] = Layer(name, folder, sees, pure.strip() in ("TRUE", "PURE", "ON"))
    return layers


class Tree:
    """One source tree and its table of layers."""

    def __init__(self, root, layers):
        self.root = Path(root).resolve()
        self.layers = layers

    def files(self, *suffixes, under=""):
        """Paths relative to the root, sorted, whose names end in one of `suffixes`."""
        found = []
        for folder, names, files in os.walk(self.root / under):
            names[:] = [n for n in names if n not in NOT_SOURCE]
            for name in files:
                if not suffixes or name.endswith(suffixes):
                    found.append((Path(folder) / name).relative_to(self.root).as_posix())
        return sorted(found)

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def layer_of(self, path):
        """The layer whose folder holds `path` most closely, or None."""
        best = None
        for layer in self.layers.values():
            if path.startswith(layer.folder + "/"):
                if best is None or len(layer.folder) > len(best.folder):
                    best = layer
        return best

    def sources_of(self, layer, *suffixes):
        return [f for f in self.files(*suffixes, under=layer.folder)
                if self.layer_of(f) is layer]


def strip_comments(text):
    """C text without comments; newlines stay, so that line numbers hold."""
    pattern = r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/'

    def keep(match):
        token = match.group(0)
        return token if token.startswith('"') else "\n" * token.count("\n") or " "

    return re.sub(pattern, keep, text, flags=re.S)


def run(check, doc, *extra):
    """A check's main: prints what `check(tree, args)` returns and exits 1 if that is anything."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2])
    parser.add_argument("--layers", required=True, help="layers.txt of a build tree")
    for names, options in extra:
        parser.add_argument(*names, **options)
    args = parser.parse_args()
    tree = Tree(args.root, parse_layers(Path(args.layers).read_text(encoding="utf-8")))
    problems = check(tree, args)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
