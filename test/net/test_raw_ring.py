#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An app without a network stack: raw_ring answers ARP, ping and UDP echo from the ring.

And goes on after a hundred thousand spoilt frames; an echo behind each burst of them,
in the same queue, shows that they have been taken.
"""
import os
import random
import socket
import struct

from frames import Garbage, checksum
from harness import GUEST_MAC, expect, ip, main, open_nic, require, say

ADDRESS = "10.0.2.15"  # raw_ring's own, fixed
CLIENT = "10.0.2.2"
PEERS = ["10.0.2.77", "198.18.0.1"]
ROUNDS = 2000
FRAMES = 100000
BURST = 400  # what a TAP's queue of 1000 frames surely holds
SIZES = [0, 1, 7, 64, 512, 1472]


def echoer():
    stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stream.settimeout(10)
    stream.connect((ADDRESS, 7))
    return stream


def udp_echo():
    with echoer() as stream:
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


def garbage(seed):
    nic, client_mac = open_nic()
    frames = Garbage(random.Random(seed), ADDRESS, GUEST_MAC, CLIENT, client_mac, PEERS, PEERS)
    with nic, echoer() as stream:
        for n in range(FRAMES // BURST):
            for _ in range(BURST):
                nic.send(frames.frame())
            stream.send(struct.pack("!I", n))
            expect(stream.recv(2048) == struct.pack("!I", n), f"no echo behind burst {n}")
    say(f"{FRAMES} spoilt frames later it still answers")


def test(lab):
    require("ip")
    lab.client_tap()
    ip(f"addr add {CLIENT}/24 dev tap0")
    guest = lab.boot("tap=tap0", "16M")
    guest.wait_for(r"raw_ring: ")
    udp_echo()
    ping()
    garbage(lab.args.seed)
    expect(guest.alive(), "the guest ended")


if __name__ == "__main__":
    main(test, __doc__)
