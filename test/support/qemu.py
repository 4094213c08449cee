# SPDX-License-Identifier: MIT
"""Boots an image in QEMU and reads its console, for tests.

    with Guest("build/metal/web.img", memory="16M", net="user", ports=["8080:80"]) as guest:
        guest.expect(r"web: listening")
        …talk to it…
        guest.send("quit\\n")
        assert guest.wait() == 0

Every wait has a bound and ends at once when QEMU does. Leaving the block ends QEMU.
"""

import codecs
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sdk/bin"))
from exocore_cli import image as image_format  # noqa: E402  (the path above comes first)
from exocore_cli import qemu  # noqa: E402


PATIENCE_SECONDS = 240  # ends a machine that hangs; UEFI's firmware takes a minute on a busy host


class GuestError(Exception):
    """The guest did not do what the test expects; the message carries the console. A script
    that is one test lets it through: Python says the line, and exits with 1."""


def free_port(kind=socket.SOCK_STREAM):
    """A port of this machine that nobody uses now, for hostfwd."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guest:
    """A running image. `log` is all that its console said, CR LF turned into LF."""

    def __init__(self, image, cmdline=None, stderr=None, **machine):
        """Starts QEMU. Keywords are those of exocore_cli.qemu.Machine; `ports` takes strings
        (HOST:GUEST[/udp]) or Ports; `cmdline` boots a private copy with that command line,
        or, directly, without a copy."""
        self.log = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.code = None
        self.scratch = None
        self.process = None
        if cmdline is not None and machine.get("firmware") == "direct":
            machine["cmdline"] = cmdline
        elif cmdline is not None:
            self.scratch = tempfile.mkdtemp(prefix="exocore-")
            image = shutil.copy(image, self.scratch)
            os.chmod(image, 0o600)
            image_format.set_cmdline(image, cmdline)
        ports = [qemu.Port.parse(port) if isinstance(port, str) else port
                 for port in machine.pop("ports", [])]
        self.command = qemu.Machine(str(image), ports=ports, **machine).command()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=stderr or subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends QEMU if it still runs. Harmless when repeated."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.code = self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                stream.close()
            self.process = None
        if self.scratch:
            shutil.rmtree(self.scratch)
            self.scratch = None

    def send(self, text):
        """Types `text` on the guest's console."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, pattern, seconds=PATIENCE_SECONDS, after=0):
        """Reads the console until `pattern` (a regular expression, ^ and $ at lines) stands
        in it behind position `after`. Returns the match."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.compile(pattern, re.MULTILINE).search(self.log, after)
            if match:
                return match
            if not self.read(deadline):
                raise self.failure(f"no /{pattern}/ on the console")

    def wait(self, seconds=PATIENCE_SECONDS):
        """Reads to the end of the machine and returns the image's exit status."""
        deadline = time.monotonic() + seconds
        while self.read(deadline):
            pass
        if time.monotonic() >= deadline:
            raise self.failure(f"still running after {seconds} s")
        self.code = self.process.wait()
        status = qemu.exit_status(self.code)
        if status is None:
            how = "a reset or triple fault" if self.code == 0 else "QEMU failed"
            raise self.failure(f"no exit status from the image: {how} (exit code {self.code})")
        return status

    def read(self, deadline):
        """Takes what the console has to say next; False at its end or at the deadline."""
        left = deadline - time.monotonic()
        stream = self.process.stdout
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            return False
        chunk = os.read(stream.fileno(), 65536)
        self.log += self.decoder.decode(chunk).replace("\r", "")
        return bool(chunk)

    def failure(self, what):
        """An error with all that helps to understand it."""
        return GuestError(f"{what}\n  {' '.join(self.command)}\nconsole:\n{self.log}")
