# SPDX-License-Identifier: MIT
"""Boots one image on every machine of rows.py and holds the outcome against docs/boot.md.

    matrix.py IMAGE [--only TEXT] [--write-docs]
"""

import argparse
import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "test/support")]
from qemu import GuestError  # noqa: E402  (the path above comes first)
from rows import ROWS  # noqa: E402

DOCS = ROOT / "docs/boot.md"
BEGIN, END = "<!-- matrix: begin -->\n", "<!-- matrix: end -->\n"
SECONDS = 120
SECONDS_IMPOSSIBLE = 20  # for firmware that hangs instead of giving up


def outcome(entry, image):
    """"boots", or what happened instead."""
    try:
        with entry["boot"](image) as guest:
            status = guest.wait(SECONDS_IMPOSSIBLE if entry["impossible"] else SECONDS)
            if status == 0 and "hello from exocore" in guest.log:
                return "boots"
            return f"status {status}: {guest.log}"
    except GuestError as error:
        return str(error)


def table(results):
    """The table of docs/boot.md."""
    lines = ["| machine | firmware | disk | |", "|---|---|---|---|"]
    for entry, found in results:
        said = "boots" if found == "boots" else f"no: {entry['impossible']}"
        lines.append(f"| {entry['machine']} | {entry['firmware']} | {entry['disk']} | {said} |")
    return "\n".join(lines) + "\n"


def run(image, only):
    """Boots every row. Returns the results, and whether each is as the row says."""
    results, sound = [], True
    digest = hashlib.sha256(image.read_bytes()).digest()
    for entry in ROWS:
        name = f"{entry['machine']}, {entry['firmware']}, {entry['disk']}"
        if only and only not in name:
            continue
        found = outcome(entry, image)
        as_said = (found == "boots") == (entry["impossible"] is None)
        print(f"{name}: {'boots' if found == 'boots' else 'does not boot'}", flush=True)
        if not as_said:
            print(f"  UNEXPECTED: {found}", flush=True)
        sound = sound and as_said
        results.append((entry, found))
    if hashlib.sha256(image.read_bytes()).digest() != digest:
        print("UNEXPECTED: the image was changed")
        sound = False
    return results, sound


def main():
    """Exit status 0 if every row did as it says and the page says the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--only", metavar="TEXT", help="rows whose name contains TEXT")
    parser.add_argument("--write-docs", action="store_true")
    args = parser.parse_args()
    results, sound = run(args.image, args.only)
    if args.only or not sound:
        return 0 if sound else 1
    page = DOCS.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    old, tail = rest.split(END)
    if args.write_docs:
        DOCS.write_text(head + BEGIN + table(results) + END + tail, encoding="utf-8")
    elif old != table(results):
        print(f"{DOCS} has another table: run this again with --write-docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
