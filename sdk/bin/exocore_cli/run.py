# SPDX-License-Identifier: MIT
"""exocore run: builds an app and boots it in QEMU."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from . import backlog, build, checks, explain, packages, qemu
from . import image as image_format
from .report import UserError, say

END_SECONDS = 5
TIMED_OUT = 124
INTERRUPTED = 130
ENDINGS = (signal.SIGTERM, signal.SIGHUP)
NOISE = ("terminating on signal",)


class Terminated(Exception):
    """Somebody asked this process to end (SIGTERM, SIGHUP)."""


class WentAway(UserError):
    """The machine reset, or was switched off, and gave no exit status."""


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("app", metavar="APP", help="a folder of examples/")
    parser.add_argument("--firmware", default="bios", choices=["bios", "uefi", "direct"],
                        help="bios boots the disk image (default), and so does uefi (OVMF); direct "
                        "gives the ELF file to QEMU, which needs no firmware and no disk")
    parser.add_argument("--machine", default="pc", choices=["pc", "q35", "microvm"],
                        help="default pc; microvm has no buses and starts fastest, and goes with "
                        "--firmware direct")
    parser.add_argument("--accel", default="auto", choices=["auto", "kvm", "tcg"],
                        help="auto takes KVM where the hardware has it (default)")
    parser.add_argument("--memory", default="64M", metavar="SIZE",
                        help="default 64M; uefi needs 44M")
    parser.add_argument("--cpus", type=int, default=1, metavar="N",
                        help="CPUs of the machine (default 1); the app starts all but the first")
    parser.add_argument("--port", action="append", metavar="HOST:GUEST[/udp]",
                        help="reach GUEST in the app as HOST on this machine (repeatable; "
                        "default: what the app says)")
    parser.add_argument("--net", default="user", metavar="user|tap=NAME|none",
                        help="user needs no rights (default); tap joins this machine's network")
    parser.add_argument("--serial", default="stdio", metavar="stdio|FILE|CHARDEV",
                        help="where the console goes (default: this terminal)")
    parser.add_argument("--append", metavar="TEXT",
                        help="the app's command line; panic=, heap=debug and nokaslr in it are "
                        "the SDK's (docs/guide.md)")
    parser.add_argument("--gdb", action="store_true", help=f"wait for gdb on port {qemu.GDB_PORT}")
    parser.add_argument("--pcap", metavar="FILE", help="record the network's packets")
    parser.add_argument("--timeout", type=float, metavar="SECONDS",
                        help="end the machine after so long, with exit status 124")
    parser.add_argument("--dry-run", action="store_true",
                        help="print the QEMU command and do nothing")


def machine_of(args, kvm=qemu.kvm_usable):
    """The machine that the options describe; every option is checked here."""
    build.check_app(args.app)
    checks.firmware(args.firmware, args.machine)
    if args.cpus < 1:
        raise UserError("--cpus: at least 1", 2)
    if args.timeout is not None and not 0 < args.timeout < threading.TIMEOUT_MAX:
        raise UserError("--timeout: a number of seconds, more than 0", 2)
    if args.pcap and args.net == "none":
        raise UserError("--pcap: there is nothing to record with --net none", 2)
    suffix = "elf" if args.firmware == "direct" else "img"
    return qemu.Machine(image=str(build.BUILD / args.app / f"{args.app}.{suffix}"),
                        machine=args.machine, firmware=args.firmware,
                        memory=checks.memory(args.memory),
                        accel=checks.accelerator(args.accel, kvm), cpus=args.cpus,
                        net=checks.network(args.net), ports=[],
                        serial=checks.serial(args.serial), pcap=args.pcap or "", gdb=args.gdb)


def ports_of(args, app_ports):
    """The forwarded ports: the user's, else the app's own. Only `user` networks forward."""
    if args.net != "user":
        if args.port:
            raise UserError("--port goes with --net user: none has no network, and on a TAP "
                            "device the app has an address of its own", 2)
        return []
    texts = args.port if args.port is not None else app_ports
    return [checks.port(text) for text in texts]


def own_command_line(args):
    """What the app gets: the user's words, else the app's own; and for gdb, which looks for the
    image where it is linked, a word that keeps it there."""
    line = args.append
    if line is None:
        line = (build.manifest(args.app) or {}).get("cmdline", "")
    line = f"{line} nokaslr".lstrip() if args.gdb else line
    added = qemu.MICROVM_WORD if args.machine == "microvm" and args.net != "none" else ""
    try:
        image_format.cmdline_bytes(line + added)
    except ValueError as error:
        why = f"--append: {error}, with the word by which QEMU names the NIC" if added else \
            f"--append: {error}"
        raise UserError(why, 2) from None
    return line


def addresses(app, ports):
    """Lines that say where the app can be reached."""
    for port in ports:
        if port.proto == "tcp" and port.guest == 80:
            yield f"{app}: http://127.0.0.1:{port.host}/"
        else:
            yield f"{app}: 127.0.0.1:{port.host}/{port.proto} is its port {port.guest}"


def run(args):
    """The command. Returns the exit status."""
    machine = machine_of(args)
    machine.ports = ports_of(args, build.ports(args.app))
    machine.cmdline = own_command_line(args)
    if args.dry_run:
        say(shlex.join(machine.command()))
        return 0
    packages.ensure("run", build.LOGS)
    if args.firmware == "uefi":
        packages.ensure("uefi", build.LOGS)
    build.bring_up_to_date(args.app)
    machine.ports = ports_of(args, build.ports(args.app))
    machine.cmdline = own_command_line(args)
    checks.ports_are_free(machine.ports)
    if args.gdb:
        checks.gdb_port_is_free()
    text = own_command_line(args) if args.gdb else args.append
    with command_line(machine, text), console_kept(machine) as console:
        announce(args, machine)
        return boot_and_explain(args, machine, console)


def boot_and_explain(args, machine, console):
    """Boots, and explains what the machine reported on its console, if that can be read. Returns
    the exit status: after a report the report's, also where panic= says reset or off."""
    reports = []
    try:
        try:
            return boot(machine, args.timeout)
        finally:
            if console:
                reports = explain.after_run(console, elf_of(args.app),
                                            build.LOGS / f"{args.app}-report.log")
    except WentAway:
        if not reports:
            raise
        raise UserError("the machine reset or switched itself off after the report above, as "
                        "panic= has it", reports[-1].status()) from None


def elf_of(app):
    """The app's ELF file, with debug information."""
    return build.BUILD / app / f"{app}.elf"


@contextlib.contextmanager
def console_kept(machine):
    """For its duration, the file that what the console says goes to, beside the terminal; None
    where the console goes somewhere that cannot be read again."""
    if machine.serial.startswith("file:"):
        yield machine.serial[len("file:"):]
    elif machine.serial == "stdio":
        with tempfile.NamedTemporaryFile(prefix="exocore-console-") as log:
            machine.console_log = log.name
            yield log.name
    else:
        yield None


@contextlib.contextmanager
def command_line(machine, text):
    """For its duration, a copy of the image with the user's command line, if there are both."""
    if text is None or machine.firmware == "direct":
        yield
        return
    image = Path(machine.image)
    with tempfile.NamedTemporaryFile(dir=image.parent, prefix="append-") as copy:
        copy.write(image.read_bytes())
        copy.flush()
        try:
            image_format.set_cmdline(copy.name, text)
        except ValueError as error:
            raise UserError(f"--append: {error}", 2) from None
        machine.image = copy.name
        yield


def announce(args, machine):
    """What is about to start, and where it can be reached."""
    cpus = "1 CPU" if machine.cpus == 1 else f"{machine.cpus} CPUs"
    say(f"{args.app}: booting ({machine.accel}, {machine.memory}, {cpus}; Ctrl-C ends it)")
    for line in addresses(args.app, machine.ports):
        say(line)
    if args.gdb:
        say(f"{args.app}: waiting for  gdb {elf_of(args.app)} -ex 'target remote :{qemu.GDB_PORT}'")


@contextlib.contextmanager
def terminal_kept():
    """Gives QEMU its stdin, and restores the terminal's settings, which QEMU changes, however
    QEMU ends. A job in the background gets no terminal: touching it would stop the job."""
    try:
        settings = termios.tcgetattr(sys.stdin.fileno())
        in_front = os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (termios.error, OSError, ValueError):  # no terminal
        yield None
        return
    if not in_front:
        yield subprocess.DEVNULL
        return
    try:
        yield None
    finally:
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, settings)


@contextlib.contextmanager
def endings_held():
    """Signals that end us come at its end, not within: a QEMU that starts then would run on, for
    nobody would know it yet."""
    held = []
    numbers = (signal.SIGINT, *ENDINGS)
    handlers = [signal.signal(number, lambda number, _: held.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers):
            signal.signal(number, handler)
        for number in held:
            signal.raise_signal(number)


def pass_errors(stream, kept):
    """Passes QEMU's complaints on, but not its farewell; keeps them for the verdict."""
    with stream:
        for line in stream:
            text = line.decode(errors="replace").rstrip()
            if not any(noise in text for noise in NOISE):
                kept.append(text)
                print(text, file=sys.stderr, flush=True)


def end(process):
    """Ends QEMU: politely, so that it restores the terminal; then by force."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def raise_terminated(number, _frame):
    """Signal handler: leave through the finally blocks, which a second one must not cut short."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise Terminated(signal.Signals(number).name)


def end_by_exception():
    """From now on this process ends through its finally blocks, which tidy up."""
    for number in ENDINGS:
        signal.signal(number, raise_terminated)


def ended_by(error):
    """What the user is told of it, with a shell's exit status."""
    return UserError(f"ended by {error}", 128 + signal.Signals[str(error)])


def boot(machine, timeout=None):
    """Starts QEMU and waits for its end. Returns the exit status for the user's shell."""
    end_by_exception()
    # A script's `&` leaves us deaf to this one, and QEMU, which turns it on again, is not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    complaints = []
    start = time.monotonic()
    with terminal_kept() as stdin, contextlib.ExitStack() as starting:
        starting.enter_context(endings_held())
        process = subprocess.Popen(machine.command(), stdin=stdin, stderr=subprocess.PIPE)
        reader = threading.Thread(target=pass_errors, args=(process.stderr, complaints))
        reader.start()
        ports = [port.host for port in machine.ports if port.proto == "tcp"]
        threading.Thread(target=backlog.widen, args=(process, ports), daemon=True).start()
        try:
            starting.close()
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            end(process)
            raise UserError(f"the machine still ran after {timeout:g} s and was ended",
                            TIMED_OUT) from None
        except KeyboardInterrupt:
            end(process)
            raise UserError(f"ended by Ctrl-C after {time.monotonic() - start:.0f} s",
                            INTERRUPTED) from None
        except Terminated as error:
            end(process)
            raise ended_by(error) from None
        finally:
            end(process)
            reader.join()
    return verdict(code, complaints)


def verdict(code, complaints):
    """The image's own exit status, or an error for an end that gave none."""
    status = qemu.exit_status(code)
    if status is not None:
        return status
    if code == 0:
        raise WentAway("the machine reset, switched itself off or was closed without an exit "
                       "status: a triple fault? Run it with --gdb, or with --serial FILE and read "
                       "its last lines")
    if code < 0:
        raise UserError(f"QEMU was ended by {signal.Signals(-code).name}", 128 - code)
    why = "its reason stands above" if complaints else f"exit code {code}, without a word"
    raise UserError(f"QEMU failed: {why}")
