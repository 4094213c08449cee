# SPDX-License-Identifier: MIT
"""The backlog of a child's listening socket is widened from outside."""
import socket
import struct
import subprocess
import sys
import unittest

import here  # noqa: F401  (sets the path)
from exocore_cli import backlog

CHILD = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=1)
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


def backlog_of(pid, port):
    """What the kernel allows to wait: tcpi_sacked of a listening socket (tcp_info)."""
    inodes = backlog.listening({port})
    for inode, descriptor in backlog.descriptors(pid).items():
        if inode in inodes:
            with backlog.copy_of(pid, descriptor) as copy:
                info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
                return struct.unpack_from("I", info, 28)[0]
    raise AssertionError(f"nobody listens on {port}")


class Widen(unittest.TestCase):
    def setUp(self):
        self.child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
        self.addCleanup(self.child.stdout.close)
        self.addCleanup(self.child.communicate)
        self.port = int(self.child.stdout.readline())
        try:
            self.before = backlog_of(self.child.pid, self.port)
        except OSError as error:
            self.skipTest(f"this kernel does not lend a child's socket: {error}")

    def test_a_burst_finds_room(self):
        self.assertEqual(self.before, 1)
        backlog.widen(self.child, [self.port])
        self.assertEqual(backlog_of(self.child.pid, self.port), backlog.BACKLOG)
        burst = [socket.create_connection(("127.0.0.1", self.port), timeout=10)
                 for _ in range(32)]
        for connection in burst:
            connection.close()

    def test_a_child_that_has_ended_is_left_alone(self):
        self.child.communicate()
        backlog.widen(self.child, [self.port])


if __name__ == "__main__":
    unittest.main()
