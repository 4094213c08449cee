#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hundred thousand spoilt frames into the NIC: the server answers, and nothing is kept.

The frames are in frames.py. They go in at the pace at which the guest says that it has
taken them, over a connection that lives through all of it and is itself aimed at.

What a spoofed SYN leaves behind is a half-open connection. Most claim to come from
addresses for which the client's kernel answers the SYN-ACK with RST; a few from nobody,
and those the guest must give up by itself, which is what the last wait is for.
"""
import random
import socket
import time

from frames import Garbage
from harness import CLIENT, GUEST_MAC, Failure, expect, ip, main, say
from web import Web, in_use, report, settle

FRAMES = 100000
BURST = 400  # what a TAP's queue of 1000 frames surely holds
PEERS = ["10.77.0.129", "10.77.0.130", "10.77.0.191", "198.18.0.1", "198.19.255.254", CLIENT]
ANSWERED = ["10.77.0.128/26", "default"]
GHOSTS = ["10.77.0.200", "10.77.0.201"]
ANSWER_S = 200  # RFC 9293 §3.8.3: a SYN is tried for three minutes, and so may a SYN-ACK be


def open_nic():
    """A raw socket on the client's end of the TAP, and its hardware address."""
    nic = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    nic.bind(("tap0", 0))
    return nic, ":".join(f"{byte:02x}" for byte in nic.getsockname()[4])


def tap_frames():
    """(frames that the TAP took from us, frames that it dropped), the kernel's own included."""
    with open("/proc/net/dev", encoding="ascii") as file:
        for line in file:
            name, _, counts = line.partition(":")
            if name.strip() == "tap0":
                counts = counts.split()
                return int(counts[9]), int(counts[11])
    raise Failure("tap0 is gone")


def wait_for_arrival(web, start, timeout_s=30):
    """Asks until the guest has counted every frame that the TAP has taken since `start`."""
    taken, _ = tap_frames()
    deadline = time.monotonic() + timeout_s
    while True:
        arrived = web.stats()["net"]["rx_frames"] - start["rx"]
        if arrived >= taken - start["tap"]:
            return arrived
        expect(time.monotonic() < deadline,
               f"of {taken - start['tap']} frames that the TAP took {arrived} arrived")


def pour(web, nic, garbage):
    """Sends all frames. Those of a burst have arrived before the next one starts."""
    rx = web.stats()["net"]["rx_frames"]
    tap, dropped = tap_frames()
    start = {"rx": rx, "tap": tap}
    started = time.monotonic()
    for _ in range(FRAMES // BURST):
        for _ in range(BURST):
            nic.send(garbage.frame())
        arrived = wait_for_arrival(web, start)
    expect(tap_frames()[1] == dropped, f"the TAP dropped {tap_frames()[1] - dropped} frames")
    say(f"{FRAMES} frames sent, none lost: {arrived} arrived with our own among them, "
        f"{FRAMES / (time.monotonic() - started):.0f} a second")


def answered_again(host, port):
    """Seconds until somebody new is served: a full backlog may keep them waiting."""
    started = time.monotonic()
    while time.monotonic() - started < ANSWER_S:
        try:
            Web(host, port, timeout_s=5).get("/")
            return time.monotonic() - started
        except OSError:
            continue
    raise Failure(f"no new connection in {ANSWER_S} s after the garbage")


def test(lab):
    guest, host, port = lab.boot_web(lab.direct())
    for net in ANSWERED:
        ip(f"route add local {net} dev lo")
    web = Web(host, port)
    before = web.stats()
    nic, client_mac = open_nic()
    garbage = Garbage(random.Random(lab.args.seed), host, GUEST_MAC, CLIENT, client_mac,
                      PEERS, GHOSTS)
    garbage.live = (web.local_port(), port)
    pour(web, nic, garbage)
    expect(guest.alive(), "the guest ended")
    expect(web.local_port() == garbage.live[0], "the connection aimed at was broken")
    after = web.stats()
    say(f"right after it {after['net']['tcp_conns']} connections are open or half open")
    say(f"a new connection is served after {answered_again(host, port):.1f} s")
    after = settle(web, in_use(before), ANSWER_S)
    report(before, after)


if __name__ == "__main__":
    main(test, __doc__)
