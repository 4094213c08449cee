# SPDX-License-Identifier: MIT
"""Machines for benchmarks: run to their end, or timed from their start."""

import os
import re
import select
import socket
import subprocess
import time

from . import qemu
from .report import UserError

SECONDS = 120
ICOUNT = ["-icount", "shift=0,sleep=off"]


def console(image, **machine):
    """All that an image said until it ended well."""
    command = qemu.Machine(str(image), **{"net": "none", **machine}).command()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"bench: {image} still ran after {SECONDS} s") from None
    text = done.stdout.decode(errors="replace").replace("\r\n", "\n")
    if qemu.exit_status(done.returncode) != 0:
        raise UserError(f"bench: {image} failed:\n{text}")
    return text


def free_port():
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Timed:
    """A machine whose console is read as it comes. Leaving the block ends it."""

    def __init__(self, image, **machine):
        command = qemu.Machine(str(image), **{"net": "none", **machine}).command()
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def elapsed_ms(self):
        """Since QEMU was started."""
        return (time.monotonic() - self.start) * 1000

    def ms_until(self, pattern):
        """Waits for a line of the console, and says when it came."""
        seen = b""
        while not re.search(pattern, seen, re.MULTILINE):
            left = SECONDS - self.elapsed_ms() / 1000
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise UserError(f"bench: nothing like {pattern} on the console:\n"
                                f"{seen.decode(errors='replace')}")
            seen += chunk
        return self.elapsed_ms()
