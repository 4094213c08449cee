# SPDX-License-Identifier: MIT
"""From starting the machine to main, and to the first HTTP reply.

Instructions are counted by -icount: the loader, core and main read the time stamp counter
(bench/boot/boot_times.c). What the loader executes itself is told apart from the firmware's
calls by a trace of its addresses, and in it what hashes, moves or clears memory from the rest.

Wall times are medians over runs that take turns with a machine that prints one byte and ends
(bench/boot/empty.asm): on a shared host only the ratio means something. The peers' ratios were
measured in the same way on QEMU 7.2. UEFI's firmware alone takes seconds, so it has fewer runs.
"""

import re
import socket
import statistics
import tempfile
from pathlib import Path

from . import bench_guest
from .report import UserError

TITLE = "from the start of the machine to main and to the first reply"
NEEDS = [*(f"{image}.{suffix}" for image in ("boot_times", "empty", "hello", "web")
           for suffix in ("elf", "img")), "empty_uefi.img", "stage2.map"]
DIRECT = ("microvm", "pc", "q35")
BIOS = ("pc", "q35")
GOAL_INSTRUCTIONS = 30000
GOAL_MAIN = 1.1  # of the empty machine's time
GOAL_REPLY = 1.5
PEER_INSTRUCTIONS = {"Unikraft": 82000}  # from reset, with its firmware
PEER_REPLY = {"Unikraft": 5.0, "Nanos": 6.0, "Linux": 85.0}  # times the empty machine's
LOADER = range(0x7C00, 0x10000)  # stages 1 and 2 of the BIOS road
UEFI_RUNS_MIN = 3
MOVES = re.compile(r"\brep\w* (movs|stos)")
REPLY_SECONDS = 30


def rows(tree, runs):
    """The rows of this suite."""
    for machine in DIRECT:
        yield from direct_instructions(tree, machine)
    for machine in BIOS:
        yield from bios_instructions(tree, machine)
    for machine in DIRECT:
        yield from wall(tree, f"direct, {machine}", runs, suffix="elf", machine=machine,
                        firmware="direct")
    for machine in BIOS:
        yield from wall(tree, f"BIOS, {machine}", runs, suffix="img", machine=machine)
    yield from uefi_wall(tree, max(runs // 5, UEFI_RUNS_MIN))


# --- instructions ----------------------------------------------------------------

def counted(image, **machine):
    """Instructions from the loader's first to core's first, and from there to main."""
    console = bench_guest.console(image, **machine, extra=bench_guest.ICOUNT)
    found = re.search(r"^boot: to_core (\d+) to_main (\d+)$", console, re.MULTILINE)
    if not found:
        raise UserError(f"bench: boot_times did not say its times:\n{console}")
    return int(found[1]), int(found[2])


def instructions(name, value, **more):
    """A row."""
    return {"name": name, "value": value, "unit": "instructions", **more}


def direct_instructions(tree, machine):
    """PVH entry to core and to main."""
    core, main = counted(tree / "boot_times.elf", machine=machine, firmware="direct")
    yield instructions(f"PVH entry to core, {machine}", core)
    yield instructions(f"core to main, {machine}", main)
    yield instructions(f"PVH entry to main, {machine}", core + main, limit=GOAL_INSTRUCTIONS,
                       rivals=PEER_INSTRUCTIONS)


def bios_instructions(tree, machine):
    """Stage 1 to core: all of it, and the loader's own by what they do."""
    core, _ = counted(tree / "boot_times.img", machine=machine)
    counts = traced(tree / "boot_times.img", machine, hashing(tree / "stage2.map"))
    yield instructions(f"stage 1 to core, {machine}: with the firmware's calls", core)
    yield instructions(f"stage 1 to core, {machine}: the loader's own", counts["own"])
    yield instructions(f"stage 1 to core, {machine}: its SHA-256 of the kernel", counts["hash"])
    yield instructions(f"stage 1 to core, {machine}: its copying and clearing", counts["moves"])


def hashing(map_file):
    """Addresses of the loader's SHA-256, by the assembler's map: all of sha256.inc's code."""
    places = {}
    for line in map_file.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 3 and words[2].startswith("sha256_"):
            places[words[2]] = int(words[0], 16)
    return range(places["sha256_open"], places["sha256_constants"])


def traced(image, machine, hashes):
    """Counts the loader's instructions one by one, as count_trace."""
    span = f"{LOADER.start:#x}..{LOADER.stop - 1:#x}"
    with tempfile.TemporaryDirectory(prefix="exocore-") as folder:
        log = Path(folder) / "trace"
        bench_guest.console(image, machine=machine, extra=[
            "-singlestep", "-d", "exec,in_asm,nochain", "-dfilter", span, "-D", str(log)])
        return count_trace(log, hashes)


def count_trace(log, hashes):
    """Of a trace with one instruction in each block: how many are string moves, how many lie
    in the range `hashes`, and how many are the rest of the loader's own."""
    moves, counts = set(), {"own": 0, "hash": 0, "moves": 0}
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("Trace "):
                at = int(re.search(r"\[[0-9a-f]+/([0-9a-f]+)/", line)[1], 16)
                kind = "moves" if at in moves else "hash" if at in hashes else "own"
                counts[kind] += at in LOADER
            elif line.startswith("0x") and MOVES.search(line):
                moves.add(int(line.split(":")[0], 16))
    return counts


# --- wall time -------------------------------------------------------------------

def wall(tree, name, runs, suffix, **machine):
    """Medians of the empty machine, hello and web, which take turns."""
    times = {"empty": [], "hello": [], "web": []}
    for _ in range(runs):
        times["empty"].append(until(tree / f"empty.{suffix}", rb"\n", machine))
        times["hello"].append(until(tree / f"hello.{suffix}", rb"^hello", machine))
        times["web"].append(first_reply(tree / f"web.{suffix}", machine))
    empty, hello, web = (statistics.median(times[image]) for image in ("empty", "hello", "web"))
    yield {"name": f"{name}: the empty image's byte", "value": round(empty, 1), "unit": "ms"}
    yield {"name": f"{name}: hello's main", "value": round(hello, 1), "unit": "ms"}
    yield {"name": f"{name}: web's first reply", "value": round(web, 1), "unit": "ms"}
    yield {"name": f"{name}: hello / empty", "value": round(hello / empty, 3), "unit": "times",
           "limit": GOAL_MAIN}
    goal = {"limit": GOAL_REPLY} if machine["machine"] == "microvm" else {}
    yield {"name": f"{name}: web / empty", "value": round(web / empty, 3), "unit": "times",
           "rivals": PEER_REPLY if goal else {}, **goal}


def uefi_wall(tree, runs):
    """Medians of hello and of the same disk with an application that prints one byte in the
    place of its loader."""
    machine = {"machine": "q35", "firmware": "uefi", "memory": "256M"}
    times = {"empty": [], "hello": []}
    for _ in range(runs):
        times["empty"].append(until(tree / "empty_uefi.img", rb"\x07", machine))
        times["hello"].append(until(tree / "hello.img", rb"^hello", machine))
    empty, hello = (statistics.median(times[image]) for image in ("empty", "hello"))
    yield {"name": "UEFI, q35: the empty image's byte", "value": round(empty, 1), "unit": "ms"}
    yield {"name": "UEFI, q35: hello's main", "value": round(hello, 1), "unit": "ms"}
    yield {"name": "UEFI, q35: hello / empty", "value": round(hello / empty, 3), "unit": "times",
           "limit": GOAL_MAIN}


def until(image, pattern, machine):
    """Milliseconds from starting QEMU to a line of the console."""
    with bench_guest.Timed(image, **machine) as guest:
        return guest.ms_until(pattern)


def first_reply(image, machine):
    """Milliseconds from starting QEMU to the first byte of an answer from web."""
    port = bench_guest.free_port()
    forward = f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:80"
    with bench_guest.Timed(image, net=forward, **machine) as guest:
        guest.ms_until(rb"^web: listening")
        with socket.create_connection(("127.0.0.1", port), REPLY_SECONDS) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: exocore\r\n\r\n")
            if not client.recv(1):
                raise UserError("bench: web closed the connection without an answer")
            return guest.elapsed_ms()
