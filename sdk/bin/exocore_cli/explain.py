# SPDX-License-Identifier: MIT
"""exocore explain: a report that an image printed when it died, with the lines of its sources.

The report has the image's build id and the address that it was placed at; the ELF file with the
same id has the rest. A report is never explained by the ELF file of another build.
"""

import itertools
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import build, lines
from . import elf as elf_format
from .report import UserError, say

BEGIN = re.compile(r"^(?:fault|panic|assertion failed): .*", re.MULTILINE)
IMAGE = re.compile(r"^image ([0-9a-f]{40}) at 0x([0-9a-f]+)$", re.MULTILINE)
WHO = re.compile(r"^on CPU \d+.*", re.MULTILINE)
RIP = re.compile(r"^rip ([0-9a-f]{16})\b", re.MULTILINE)
TRACE = re.compile(r"^backtrace:\n((?:  [0-9a-f]{16}.*\n?)*)", re.MULTILINE)
TRACED = re.compile(r"^  ([0-9a-f]{16})", re.MULTILINE)
MORE = re.compile(r"^  and more callers$", re.MULTILINE)
OTHER = re.compile(r"^CPU (\d+) was at ([0-9a-f]{16})", re.MULTILINE)
AGAIN = re.compile(r"^exocore: the report itself failed at ([0-9a-f]{16})$", re.MULTILINE)

ADDRESS_MASK = (1 << 64) - 1  # what is not in the image may lie below it: a jump through null
PANIC, FAULT = 101, 102  # core/panic.h
CONTEXT_LINES = 2  # of source, on each side of the innermost place
RED, BOLD, FAINT, PLAIN = "\033[1;31m", "\033[1m", "\033[2m", "\033[0m"


@dataclass
class Report:
    """What one report says. Addresses are as they were in the machine."""
    headline: str
    who: str = ""
    build_id: str = ""
    base: int = 0
    rip: int = 0  # 0 in a report that no exception caused
    trace: list = field(default_factory=list)  # innermost first
    is_cut: bool = False  # the trace goes on, unsaid
    others: list = field(default_factory=list)  # (CPU, where it was stopped)
    failed_at: int = 0  # where the report itself died, or 0

    def status(self):
        """The exit status that the machine gives after it (docs/primitives.md)."""
        return FAULT if self.headline.startswith("fault") else PANIC

    def places(self):
        """The addresses to look up: a call is before the address that it returns to."""
        return [at if at == self.rip else at - 1 for at in self.trace]


def reports(text):
    """All reports on a console, in their order."""
    text = text.replace("\r", "")
    begins = list(BEGIN.finditer(text))
    ends = [begin.start() for begin in begins[1:]] + [len(text)]
    return [parsed(text[begin.start():end]) for begin, end in zip(begins, ends)]


def parsed(text):
    """One report, of which any line may be missing."""
    image, who, rip = IMAGE.search(text), WHO.search(text), RIP.search(text)
    trace, again = TRACE.search(text), AGAIN.search(text)
    return Report(headline=text.split("\n", 1)[0],
                  who=who[0] if who else "",
                  build_id=image[1] if image else "",
                  base=int(image[2], 16) if image else 0,
                  rip=int(rip[1], 16) if rip else 0,
                  trace=[int(at, 16) for at in TRACED.findall(trace[1])] if trace else [],
                  is_cut=bool(MORE.search(text)),
                  others=[(int(cpu), int(at, 16)) for cpu, at in OTHER.findall(text)],
                  failed_at=int(again[1], 16) if again else 0)


def build_id(path):
    """The build id of an ELF file, empty if it has none. Raises ElfError, OSError."""
    elf = elf_format.Elf(Path(path).read_bytes())
    note = elf.section(".note.gnu.build-id")
    return elf.data[note.offset + 16:note.offset + note.size].hex() if note else ""


def link_base(path):
    """The address that an ELF file is linked at."""
    return elf_format.Elf(Path(path).read_bytes()).loads()[0].vaddr


def find_elf(wanted):
    """The ELF file under build/ with that build id, or None."""
    for path in sorted(build.BUILD.glob("*/*.elf")):
        try:
            if build_id(path) == wanted:
                return path
        except (elf_format.ElfError, OSError):
            continue  # one that is just being linked
    return None


def check_named(report):
    """UserError if the report does not say which image it is of."""
    if not report.build_id:
        raise UserError("the report ends before it names its image: nothing to look up")


def known_elf(report):
    """The ELF file under build/ of the report's image. UserError if there is none."""
    check_named(report)
    found = find_elf(report.build_id)
    if not found:
        raise UserError(f"no ELF file under {build.BUILD} is of the image {report.build_id}")
    return found


class Painter:
    """Colours on a terminal, and plain text elsewhere."""

    def __init__(self, stream):
        self.colours = stream.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, colour, text):
        return f"{colour}{text}{PLAIN}" if self.colours and text else text


def source(frame, around):
    """The frame's line of source with its number, and `around` more on each side: a list of
    (number, text). Empty if the source is not there."""
    try:
        text = Path(frame.path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    first, last = max(1, frame.line - around), min(len(text), frame.line + around)
    return [(number, text[number - 1]) for number in range(first, last + 1)]


def calls(stacks):
    """The functions of a trace, innermost first, as (frame, was it inlined, how often it stands
    there in a row): what ran over a stack called itself hundreds of times."""
    flat = ((frame, depth < len(stack) - 1)
            for stack in stacks for depth, frame in enumerate(stack))
    for _, same in itertools.groupby(flat, key=lambda call: call[0]):
        (frame, inlined), *rest = same
        yield frame, inlined, 1 + len(rest)


def told(stacks, paint, around=CONTEXT_LINES):
    """A trace, each address with its function and those that were inlined into it; the innermost
    with so many lines of source around its own."""
    for at, (frame, inlined, times) in enumerate(calls(stacks)):
        place = f"{lines.short(frame.path)}:{frame.line}" if frame.path else "no source line"
        yield (f"{paint(BOLD, frame.function)}{' (inlined)' if inlined else ''}  {place}"
               f"{f'  ({times} times in a row)' if times > 1 else ''}")
        for number, text in source(frame, around if at == 0 else 0):
            mark = ">" if number == frame.line else " "
            line = f"  {mark} {number:5} | {text}".rstrip()
            yield line if mark == ">" else paint(FAINT, line)


def explained(report, elf, paint):
    """The report in lines of text. Raises OSError, ElfError."""
    yield paint(RED, report.headline)
    if report.who:
        yield report.who
    moved = report.base - link_base(elf)
    places = [(at - moved) & ADDRESS_MASK for at in report.places()]
    failed = [(report.failed_at - moved) & ADDRESS_MASK] if report.failed_at else []
    others = [(cpu, (at - moved) & ADDRESS_MASK) for cpu, at in report.others]
    frames = lines.frames(elf, places + failed + [at for _, at in others])
    yield from told([frames[place] for place in places], paint)
    if report.is_cut:
        yield "and more callers, which the report leaves out"
    for cpu, at in others:
        yield f"CPU {cpu} was then in"
        yield from told([frames[at]], paint, 0)
    if failed:
        yield paint(RED, "and the report itself failed:")
        yield from told([frames[failed[0]]], paint)


def show(report, elf, stream=None):
    """Prints a report, explained by `elf` if that is the image's."""
    stream = stream or sys.stdout
    check_named(report)
    try:
        found = build_id(elf)
        if found != report.build_id:
            raise UserError(f"the report is of the image {report.build_id}, and {elf} is of "
                            f"another build ({found or 'without an id'})")
        for line in explained(report, elf, Painter(stream)):
            print(line, file=stream, flush=True)
    except elf_format.ElfError as error:
        raise UserError(f"{elf}: {error}") from None


def show_all(found, elf_of):
    """Prints each report by the ELF file that `elf_of` gives. One that cannot be explained keeps
    no other from it: the first such error is raised at the end."""
    errors = []
    for report in found:
        try:
            show(report, elf_of(report))
        except UserError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def after_run(console, elf, kept):
    """Explains what an image that has ended left on its console, a file, if there is a report;
    its words stay in `kept`. Returns the reports."""
    found = []
    try:
        text = Path(console).read_text(encoding="utf-8", errors="replace")
        found = reports(text)
        if not found:
            return []
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(text.replace("\r", ""), encoding="utf-8")
        say(f"\nexocore: the report above, with its source lines (raw: {kept})")
        show_all(found, lambda _: elf)
    except (UserError, OSError) as error:
        print(f"exocore: no source lines: {error}", file=sys.stderr)
    return found


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("log", metavar="LOG", help="what the console said, a file; - is stdin")
    parser.add_argument("elf", metavar="ELF", nargs="?",
                        help="the image with debug information (default: the one under build/ "
                        "that has the report's build id)")


def run(args):
    """The command. Returns the exit status."""
    text = (sys.stdin.read() if args.log == "-" else
            Path(args.log).read_text(encoding="utf-8", errors="replace"))
    found = reports(text)
    if not found:
        raise UserError(f"{args.log}: there is no report in it")
    show_all(found, lambda report: args.elf or known_elf(report))
    return 0
