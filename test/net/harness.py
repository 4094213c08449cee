# SPDX-License-Identifier: MIT
"""A network of our own for one test: namespaces, TAP devices, children, a guest.

    direct    client ── tap0 ── QEMU                          one namespace
    cable     client ── tap0 ── link ── tap1 ─ br0 ─ tap2 ── QEMU     two of them
    slirp     client ── 127.0.0.1:8080 ── QEMU's user network

The test process is the client: it moves into a new network namespace when it starts, so
that sockets, curl and wrk are simply there. Namespaces have no names and live as long as
their processes: whatever ends a test, the kernel takes everything back. Children die with
the test. Nothing here touches the machine's own network.

Without root it takes a user namespace of its own; where that or TAP is not allowed, the
test says why and exits with 77, which ctest reports as skipped.
"""
import argparse
import ctypes
import ipaddress
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sdk/bin"))
from exocore_cli import qemu  # noqa: E402  (the path above comes first)

SKIPPED = 77
CLIENT = "10.77.0.1"
SUBNET = ipaddress.ip_network("10.77.0.0/24")
GUEST = "10.77.0.50"
GUEST_MAC = "52:54:00:12:34:56"  # QEMU's, if nobody says another
BOOT_S = 60  # a loaded machine emulates slowly; nothing waits this long for its own sake

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """This machine cannot run the test."""


class Failure(Exception):
    """The guest, or the harness, did not do what the test claims."""


def expect(claim, what):
    if not claim:
        raise Failure(what)


def say(line):
    print(line, flush=True)


# --- namespaces ----------------------------------------------------------------------

def call(function, *args):
    if function(*args) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def new_namespace():
    """Moves this process into a new network namespace, loopback up; returns its handle."""
    call(libc.unshare, CLONE_NEWNET)
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")  # fewer uninvited frames
    ip("link set lo up")
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def inside(namespace):
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    call(libc.setns, namespace, CLONE_NEWNET)
    try:
        yield
    finally:
        call(libc.setns, home, CLONE_NEWNET)
        os.close(home)


def become_root_of_a_user_namespace():
    uid, gid = os.geteuid(), os.getegid()
    call(libc.unshare, CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def require(*programs):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")


def enter():
    """Takes this process to where it may build networks, or says why it cannot."""
    try:
        if os.geteuid() != 0:
            become_root_of_a_user_namespace()
        os.close(os.open("/dev/net/tun", os.O_RDWR))
        new_namespace()
    except OSError as error:
        raise Skip(f"no network namespace with TAP devices here: {error}") from error


# --- children ------------------------------------------------------------------------

def ip(command):
    done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise Skip(f"ip {command}: {done.stderr.strip()}")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*argv, timeout_s=60, check=True):
    """Runs a client to its end; its output is text."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s,
                          preexec_fn=die_with_parent)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Child:
    """A process in the background. A thread keeps its lines; wait_for() looks for one."""

    def __init__(self, name, argv, log):
        self.name, self.log, self.lines = name, log, []
        self.changed = threading.Condition()
        self.ended = False
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with open(self.log, "wb") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                with self.changed:
                    self.lines.append(line.decode("utf-8", "replace").rstrip())
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, pattern, timeout_s=BOOT_S):
        """The match of the first line that holds `pattern`, past or to come."""
        deadline, seen = time.monotonic() + timeout_s, 0
        with self.changed:
            while True:
                for line in self.lines[seen:]:
                    match = re.search(pattern, line)
                    if match:
                        return match
                seen = len(self.lines)
                if self.ended:
                    raise Failure(f"{self.name} ended before it said /{pattern}/")
                if not self.changed.wait(deadline - time.monotonic()):
                    raise Failure(f"{self.name} has not said /{pattern}/ in {timeout_s} s")

    def wait(self, timeout_s):
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} has not ended in {timeout_s} s") from None
        self.reader.join(timeout_s)
        return code

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """Asks it to end; returns when it has."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.reader.join(10)


def open_nic():
    """A raw socket on the client's end of the TAP, and its hardware address."""
    nic = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    nic.bind(("tap0", 0))
    return nic, ":".join(f"{byte:02x}" for byte in nic.getsockname()[4])


def compile_link(folder):
    """The lossy cable, built from link.c when that is newer."""
    source, program = Path(__file__).with_name("link.c"), Path(folder) / "link"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        require("gcc")
        fresh = program.with_name(f"link.{os.getpid()}")
        run("gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
            str(source), "-o", str(fresh))
        fresh.replace(program)  # two tests may build it at the same time
    return str(program)


# --- the lab -------------------------------------------------------------------------

class Lab:
    """One test's network and children. Closing it stops what it started, newest first."""

    def __init__(self, name, args):
        self.name, self.args = name, args
        self.folder = Path(args.work_dir)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.children = []
        self.guest_side = None  # the namespace beyond the cable
        self.cable = None

    def start(self, name, *argv):
        child = Child(name, argv, self.folder / f"{self.name}.{name}.log")
        self.children.append(child)
        return child

    def close(self):
        while self.children:
            self.children.pop().stop()

    def client_tap(self):
        ip("tuntap add dev tap0 mode tap")
        ip(f"addr add {CLIENT}/{SUBNET.prefixlen} dev tap0")
        ip("link set tap0 up")

    def serve_dhcp(self):
        dhcp = self.start(
            "dnsmasq", "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0",
            "--interface=tap0", "--bind-interfaces", "--no-ping", "--log-dhcp",
            f"--dhcp-leasefile={self.folder / (self.name + '.leases')}",
            f"--dhcp-range={GUEST},{GUEST},255.255.255.0,10m",
            f"--dhcp-host={GUEST_MAC},{GUEST}", f"--dhcp-option=option:router,{CLIENT}")
        dhcp.wait_for(r"started")

    def direct(self):
        """A TAP between us and QEMU; returns what Machine calls `net`."""
        require("ip", "dnsmasq")
        self.client_tap()
        self.serve_dhcp()
        return "tap=tap0"

    def through_cable(self, **knobs):
        """A TAP, the cable with these knobs, a bridge, QEMU's TAP; returns the net."""
        require("ip", "dnsmasq")
        self.client_tap()
        client_side = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.guest_side = new_namespace()
        ip("tuntap add dev tap1 mode tap")
        ip("tuntap add dev tap2 mode tap")
        ip("link add name br0 type bridge forward_delay 0")
        for device in ("tap1", "tap2"):
            ip(f"link set {device} master br0")
        for device in ("tap1", "tap2", "br0"):
            ip(f"link set {device} up")
        call(libc.setns, client_side, CLONE_NEWNET)

        options = [word for knob, value in knobs.items()
                   for word in ("--" + knob.replace("_", "-"), str(value))]
        self.cable = self.start(
            "link", compile_link(self.folder), "--left", ":tap0",
            "--right", f"/proc/{os.getpid()}/fd/{self.guest_side}:tap1", *options)
        os.close(client_side)
        self.cable.wait_for("ready")
        self.serve_dhcp()
        return "tap=tap2"

    def slirp(self):
        """QEMU's own user network, its port 80 at our 8080."""
        return "user,id=n0,hostfwd=tcp:127.0.0.1:8080-:80"

    def boot(self, net, memory="128M"):
        """Starts QEMU on the test's image; the child's lines are the serial console."""
        require(qemu.PROGRAM)
        command = qemu.Machine(self.args.image, memory=memory, net=net,
                               pcap=self.args.pcap).command()
        if self.guest_side is None:
            return self.start("guest", *command)
        with inside(self.guest_side):
            return self.start("guest", *command)

    def boot_web(self, net, memory="128M"):
        """Boots the web image and returns (guest, host, port) once it listens."""
        guest = self.boot(net, memory)
        host = guest.wait_for(r"web: listening on http://([\d.]+):80/").group(1)
        return (guest, "127.0.0.1", 8080) if net.startswith("user") else (guest, host, 80)


def tail(path, lines=25):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def explain(lab, problem):
    say(f"FAILED: {problem}")
    for child in lab.children:
        state = "running" if child.alive() else f"exit {child.process.returncode}"
        say(f"--- {child.log} ({state}), its end:\n{tail(child.log)}")


def main(test, doc, *extra):
    """Runs test(lab) in a network of its own. Exit: 0 passed, 1 failed, 77 skipped."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--image", required=True, help="disk image to boot")
    parser.add_argument("--name", default=Path(sys.argv[0]).stem, help="in front of log names")
    parser.add_argument("--work-dir", default="net-test", help="logs and the built cable")
    parser.add_argument("--seed", type=int, default=1, help="of all chance in the test")
    parser.add_argument("--pcap", default="", help="write what the guest's NIC saw to this file")
    for names, options in extra:
        parser.add_argument(*names, **options)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    lab, name = Lab(args.name, args), args.name
    status, started = 1, time.monotonic()
    try:
        enter()
        say(f"{name}: seed {args.seed}, client side runs "
            + Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip())
        test(lab)
        say(f"{name}: passed in {time.monotonic() - started:.1f} s")
        status = 0
    except Skip as reason:
        say(f"SKIPPED: {reason}")
        status = SKIPPED
    except Failure as problem:
        explain(lab, problem)
    except Exception:
        explain(lab, traceback.format_exc())
    finally:
        lab.close()
    sys.exit(status)
