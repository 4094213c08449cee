# SPDX-License-Identifier: MIT
"""Room for more than one waiting connection at a forwarded port.

QEMU's user network listens with a backlog of 1: of 32 connections opened at once this
machine's kernel drops most, and each client tries again after 1, 3 and 7 seconds. The
backlog belongs to the socket, and a parent may take a copy of its child's socket
(pidfd_getfd(2), Linux 5.6), so we listen on it once more. Where the kernel does not allow
that, a burst is slow and nothing else is lost.
"""
import ctypes
import os
import socket
import time

BACKLOG = 128
LOOK_SECONDS = 0.01  # between two looks at whether QEMU listens already
GIVE_UP_SECONDS = 10
PIDFD_GETFD = 438  # x86-64's number of the system call
LISTEN = "0A"  # a state of /proc/net/tcp
LOOPBACK = "0100007F"  # 127.0.0.1, as /proc/net/tcp writes it


def listening(ports):
    """{inode: port} of the sockets that listen on 127.0.0.1 at one of `ports`."""
    found = {}
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            words = line.split()
            address, _, port = words[1].partition(":")
            if address == LOOPBACK and words[3] == LISTEN and int(port, 16) in ports:
                found[words[9]] = int(port, 16)
    return found


def descriptors(pid):
    """{inode: descriptor} of the sockets that a process has open."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            kind, _, inode = os.readlink(f"/proc/{pid}/fd/{name}").partition(":[")
        except FileNotFoundError:  # closed meanwhile
            continue
        if kind == "socket":
            found[inode.rstrip("]")] = int(name)
    return found


def copy_of(pid, descriptor):
    """The process's socket under a descriptor of our own."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.pidfd_open(pid)
    try:
        copy = libc.syscall(PIDFD_GETFD, handle, descriptor, 0)
    finally:
        os.close(handle)
    if copy < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return socket.socket(fileno=copy)


def widen_once(pid, ports):
    """Widens what listens now. Returns the ports that it has seen to."""
    done = set()
    sockets = listening(ports)
    for inode, descriptor in descriptors(pid).items():
        if inode in sockets:
            with copy_of(pid, descriptor) as copy:
                copy.listen(BACKLOG)
            done.add(sockets[inode])
    return done


def widen(process, ports):
    """Widens each of the TCP `ports` as soon as the child process listens there."""
    missing = set(ports)
    deadline = time.monotonic() + GIVE_UP_SECONDS
    try:
        while missing and process.poll() is None and time.monotonic() < deadline:
            missing -= widen_once(process.pid, missing)
            time.sleep(LOOK_SECONDS if missing else 0)
    except OSError:  # not allowed, not known to this kernel, or the process has ended
        pass
