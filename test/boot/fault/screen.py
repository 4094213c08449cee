# SPDX-License-Identifier: MIT
"""A report on the screen: boots an image that faults, has QEMU save what its screen shows, and
reads the text back, glyph by glyph. It must be the serial port's report."""

import argparse
import json
import re
import socket
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/support"))
from qemu import Guest, GuestError  # noqa: E402  (the path above comes first)

CELL = (6, 10)  # core/screen.h
TEXT_BUFFER, TEXT_COLUMNS, TEXT_ROWS = 0xB8000, 80, 25
FULL = "... the rest is on the serial port"


def font():
    """The glyphs of core/screen_font.c: pixels of a cell, row by row, → character."""
    source = (ROOT / "core/screen_font.c").read_text(encoding="utf-8")
    rows = re.findall(r"\{(0x[^}]*)\},", source)
    glyphs = {}
    for number, row in enumerate(rows):
        columns = [int(word, 16) for word in row.split(",")] + [0]
        cell = tuple(column >> y & 1 for y in range(CELL[1]) for column in columns)
        glyphs[cell] = chr(ord(" ") + number)
    return glyphs


class Monitor:
    """QEMU's monitor (QMP) on a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rw")
        self.stream.readline()  # the greeting
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        """One command; raises GuestError with QEMU's words."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        answer = {}
        while "return" not in answer:  # events come in between
            answer = json.loads(self.stream.readline())
            if "error" in answer:
                raise GuestError(f"{command}: {answer['error']['desc']}")

    def close(self):
        """Lets the socket go."""
        self.stream.close()
        self.socket.close()


def picture(data):
    """A PPM file's (width, height, rows of bytes)."""
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    width, height = int(header[1]), int(header[2])
    pixels = data[header.end():]
    return width, height, [pixels[y * width * 3:(y + 1) * width * 3] for y in range(height)]


def read_pixels(data):
    """The text on a picture of the screen, line by line. Every cell must be a glyph."""
    width, height, rows = picture(data)
    scale = max(1, min(width // (80 * CELL[0]), height // (36 * CELL[1])))
    paper = rows[height - 1][-3:]
    glyphs = font()
    lines = []
    for top in range(0, height - CELL[1] * scale + 1, CELL[1] * scale):
        line = ""
        for left in range(0, width - CELL[0] * scale + 1, CELL[0] * scale):
            cell = tuple(int(rows[top + y * scale][(left + x * scale) * 3:][:3] != paper)
                         for y in range(CELL[1]) for x in range(CELL[0]))
            if cell not in glyphs:
                raise GuestError(f"no glyph at {left}, {top}; so far:\n" + "\n".join(lines))
            line += glyphs[cell]
        lines.append(line.rstrip())
    return lines, width // (CELL[0] * scale)


def read_cells(data):
    """The text of a VGA's text buffer, line by line."""
    text = data[::2].decode("ascii")
    lines = [text[at:at + TEXT_COLUMNS] for at in range(0, len(text), TEXT_COLUMNS)]
    return [line.rstrip() for line in lines], TEXT_COLUMNS


def wrapped(report, columns):
    """A report's lines as they fit on a screen."""
    for line in report:
        yield line[:columns].rstrip()
        for at in range(columns, len(line), columns):
            yield line[at:at + columns].rstrip()


def compare(seen, columns, log, begin):
    """The screen must show the report from `begin` on."""
    report = log[log.index(begin):log.index("\nexocore: halted")].split("\n")
    said = list(wrapped(report, columns))
    for number, line in enumerate(seen):
        if line == FULL and number == len(seen) - 1:
            return
        expected = said[number] if number < len(said) else ""
        if line != expected:
            raise GuestError(f"row {number} of the screen is\n  {line}\nnot\n  {expected}\n"
                             + "\n".join(seen))


def run(args, scratch):
    """Boots, waits for the end of the report, and reads the screen."""
    path = f"{scratch}/qmp"
    extra = ["-device", "VGA", "-qmp", f"unix:{path},server=on,wait=off"]
    extra += ["-cpu", args.cpu]
    with Guest(args.image, cmdline=f"{args.misdeed} panic=halt", machine=args.machine, net="none",
               firmware=args.firmware, extra=extra) as guest:
        guest.expect(r"^exocore: halted$", seconds=100)
        monitor = Monitor(path)
        try:
            if args.firmware == "uefi":
                monitor.do("screendump", filename=f"{scratch}/screen")
                seen, columns = read_pixels(Path(scratch, "screen").read_bytes())
            else:
                monitor.do("pmemsave", val=TEXT_BUFFER, size=TEXT_COLUMNS * TEXT_ROWS * 2,
                           filename=f"{scratch}/screen")
                seen, columns = read_cells(Path(scratch, "screen").read_bytes())
        finally:
            monitor.close()
        compare(seen, columns, guest.log, args.begin)
        print("\n".join(seen))


def main():
    """Ends without an error if the screen shows the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--firmware", default="bios", choices=["bios", "uefi", "direct"])
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--cpu", default="max")
    parser.add_argument("--misdeed", default="null", help="for the image's command line")
    parser.add_argument("--begin", default="\nfault: ", help="what the report begins with")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run(args, scratch)


if __name__ == "__main__":
    main()
