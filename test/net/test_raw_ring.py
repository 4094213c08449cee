#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An app without a network stack: raw_ring answers ARP, ping and UDP echo from the ring."""
import os
import socket
import struct

from frames import checksum
from harness import expect, ip, main, require, say

ADDRESS = "10.0.2.15"  # raw_ring's own, fixed
ROUNDS = 2000
SIZES = [0, 1, 7, 64, 512, 1472]


def udp_echo():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.settimeout(10)
        stream.connect((ADDRESS, 7))
        for n in range(ROUNDS):
            sent = os.urandom(SIZES[n % len(SIZES)])
            stream.send(sent)
            expect(stream.recv(2048) == sent, f"UDP echo {n}: {len(sent)} bytes came back changed")
    say(f"{ROUNDS} datagrams came back as they were")


def ping():
    """ICMP echo by hand (RFC 792), so that every byte of the reply is looked at."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as stream:
        stream.settimeout(10)
        stream.connect((ADDRESS, 0))
        for n in range(ROUNDS):
            rest = struct.pack("!HH", 77, n) + os.urandom(SIZES[n % len(SIZES)])
            stream.send(struct.pack("!BBH", 8, 0, checksum(b"\x08\0\0\0" + rest)) + rest)
            reply = stream.recv(2048)[20:]
            expect(reply[:2] == b"\0\0" and reply[4:] == rest, f"ping {n}: {reply[:16]!r}…")
            expect(checksum(reply) == 0, f"ping {n}: bad checksum")
    say(f"{ROUNDS} pings were answered")


def test(lab):
    require("ip")
    lab.client_tap()
    ip("addr add 10.0.2.2/24 dev tap0")
    guest = lab.boot("tap=tap0", "16M")
    guest.wait_for(r"raw_ring: ")
    udp_echo()
    ping()
    expect(guest.alive(), "the guest ended")


if __name__ == "__main__":
    main(test, __doc__)
