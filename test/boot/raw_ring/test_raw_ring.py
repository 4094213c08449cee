# SPDX-License-Identifier: MIT
"""raw_ring in QEMU: what a UDP client sees, and what the console says without a usable NIC.

    test_raw_ring.py IMAGE [--machine M] [--cpu C] [--nic DEVICE]
"""

import argparse
import random
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, free_port  # noqa: E402  (the path above comes first)

ARGS = None
LARGEST = 1472  # what one Ethernet frame leaves to a UDP datagram


def boot(*extra):
    """The image on the machine under test, with these network arguments."""
    return Guest(ARGS.image, machine=ARGS.machine, net="none", extra=["-cpu", ARGS.cpu, *extra])


class Echo(unittest.TestCase):
    """One guest for all tests of this class."""

    @classmethod
    def setUpClass(cls):
        port = free_port(socket.SOCK_DGRAM)
        cls.guest = boot("-netdev", f"user,id=n0,hostfwd=udp:127.0.0.1:{port}-:7",
                         "-device", f"{ARGS.nic},netdev=n0")
        cls.addClassCleanup(cls.guest.close)
        cls.guest.expect(r"^raw_ring: answering on 10\.0\.2\.15 \(MAC 52:54:00:12:34:56\)$")
        cls.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cls.addClassCleanup(cls.client.close)
        cls.client.settimeout(20)
        cls.client.connect(("127.0.0.1", port))

    def ask(self, payload):
        """Sends a datagram and expects the same one back."""
        self.client.send(payload)
        self.assertEqual(self.client.recv(4096), payload)

    def test_every_size_comes_back(self):
        seeded = random.Random(1)
        for size in (0, 1, 2, 17, 18, 19, 63, 64, 512, 1023, LARGEST - 1, LARGEST):
            with self.subTest(size=size):
                self.ask(seeded.randbytes(size))

    def test_a_thousand_in_a_row(self):
        for number in range(1000):
            self.ask(b"datagram %d" % number)

    def test_many_in_flight(self):
        # More rounds than either ring has slots, so that both wrap with several lent.
        for start in range(0, 2048, 16):
            sent = {b"%06d" % number * 20 for number in range(start, start + 16)}
            for payload in sent:
                self.client.send(payload)
            self.assertEqual({self.client.recv(4096) for _ in sent}, sent)

    def test_the_console_counts(self):
        position = len(self.guest.log)
        self.ask(b"one more")
        counts = self.guest.expect(r"^raw_ring: (\d+) frames in, (\d+) answered$", after=position)
        self.assertGreaterEqual(int(counts[1]), int(counts[2]))
        self.assertGreaterEqual(int(counts[2]), 1)


class NoUsableNic(unittest.TestCase):
    """Machines on which raw_ring has to say why it ends."""

    def ends_with(self, pattern, *extra):
        """Boots, expects exit status 1 and a line like `pattern`."""
        with boot(*extra) as guest:
            self.assertEqual(guest.wait(), 1)
            guest.expect(pattern, seconds=0)

    def test_no_nic_at_all(self):
        self.ends_with(r"^raw_ring: no NIC to drive \(error 19\)$")

    def test_a_nic_without_a_driver_is_named(self):
        self.ends_with(r"no driver for the NIC at 00:\w\w\.0, 8086:100e",
                       "-netdev", "user,id=n0", "-device", "e1000,netdev=n0,romfile=")

    def test_a_virtio_nic_of_the_old_kind_is_refused(self):
        self.ends_with(r"virtio: .* no modern virtio registers", "-netdev", "user,id=n0",
                       "-device", "virtio-net-pci,netdev=n0,disable-modern=on,romfile=")

    def test_a_virtio_nic_without_interrupts_is_refused(self):
        self.ends_with(r"virtio: 00:0.\.0: it has no MSI-X entry", "-netdev", "user,id=n0",
                       "-device", "virtio-net-pci,netdev=n0,vectors=0,romfile=")


def main():
    """Takes our own arguments off the command line; unittest gets the rest."""
    global ARGS  # pylint: disable=global-statement
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--cpu", default="qemu64")
    parser.add_argument("--nic", default="virtio-net-pci")
    ARGS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
