# SPDX-License-Identifier: MIT
"""What the user sees of work that takes time, and of errors."""

import os
import re
import shutil
import subprocess
import sys
import time

CAUSE = re.compile(r"error[: ]|^E: |^exocore: |FAILED|CMake Error|cannot |not found"
                   r"|undefined reference|multiple definition")
# What CMake has to say stands indented below the line that says where.
CMAKE_MESSAGE = re.compile(r"^CMake Error.*:\n((?:\n?  +\S.*\n)+)", re.MULTILINE)
OURS = "exocore: "
TICK_SECONDS = 0.2
PLAIN_TICK_SECONDS = 10.0
PLAIN_COLUMNS = 120


class UserError(Exception):
    """Ends the command with one line; `status` is its exit status."""

    def __init__(self, line, status=1):
        super().__init__(line)
        self.status = status


def say(line):
    """One line for the user, in order with what programs write."""
    print(line, flush=True)


def last_line(path):
    """The last line of a log that is being written, for the progress line."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 400))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def cause(path):
    """The line of a log that tells best why a step failed. One of our own tools' lines
    (exocore: …) says what to do as well."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("+ ", "ninja: ", "collect2: "))]
    found = [line for line in lines if CAUSE.search(line)]
    ours = [line for line in found if line.startswith(OURS)]
    compiler = [line for line in found if re.search(r":\d+: |error: |multiple def", line)]
    cmake = [" ".join(message.split()) for message in CMAKE_MESSAGE.findall(text)]
    return (ours or compiler or cmake or found or lines[-1:] or ["it said nothing"])[0]


class Progress:
    """One line for one step: rewritten on a terminal, a few plain lines elsewhere."""

    def __init__(self, title, log):
        self.title = title
        self.log = log
        self.start = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.next_plain = PLAIN_TICK_SECONDS
        if not self.terminal:
            say(f"{title} ...")

    def elapsed(self):
        """Seconds since the step began."""
        return time.monotonic() - self.start

    def tick(self):
        """Shows that the step goes on."""
        if self.terminal:
            columns = shutil.get_terminal_size().columns - 1
            line = f"{self.title}  {self.elapsed():.0f} s  {last_line(self.log)}"
            sys.stdout.write("\r\033[K" + line[:columns])
            sys.stdout.flush()
        elif self.elapsed() >= self.next_plain:
            self.next_plain += PLAIN_TICK_SECONDS
            say(f"{self.title} ... {self.elapsed():.0f} s  {last_line(self.log)[:PLAIN_COLUMNS]}")

    def end(self, outcome):
        """Leaves the outcome as the step's last line."""
        if self.terminal:
            sys.stdout.write("\r\033[K")
        say(f"{self.title}  {outcome} ({self.elapsed():.1f} s)")


def step(title, command, log, env=None, cwd=None):
    """Runs one step with its output in `log`; returns its exit code. A missing program
    is exit code 127, as in a shell."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:
        file.write("+ " + " ".join(map(str, command)) + "\n")
        file.flush()
        progress = Progress(title, log)
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=file, env=env, cwd=cwd)
        except OSError as error:
            file.write(f"cannot start: {error}\n")
            progress.end("failed")
            return 127
        code = watch(process, progress)
    progress.end("done" if code == 0 else "failed")
    return code


def watch(process, progress):
    """Waits for the end of a step. An interrupt ends the step first."""
    try:
        while True:
            try:
                return process.wait(TICK_SECONDS)
            except subprocess.TimeoutExpired:
                progress.tick()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def must(title, command, log, advice, env=None, cwd=None):
    """A step that has to succeed: else one line with the cause, what to do, and the log.
    `advice` says what to do when it is given the log."""
    if step(title, command, log, env, cwd) == 0:
        return
    why = cause(log)
    if why.startswith(OURS):
        raise UserError(f"{title} failed: {why[len(OURS):]}")
    raise UserError(f"{title} failed: {why}; {advice(log)} (log: {log})")
