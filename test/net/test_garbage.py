#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hundred thousand spoilt frames into the NIC: the server answers, and nothing is kept.

The frames are in frames.py. They go in at the pace at which the guest says that it has
taken them, over a connection that lives through all of it and is itself aimed at.

What a spoofed SYN leaves behind is a half-open connection. Most claim to come from
addresses for which the client's kernel answers the SYN-ACK with RST; some from ghosts,
behind whom there is nobody. Those fill what the guest allows to be half open, and still a
newcomer is served at once. In the end the ghosts come to life and answer too, which is
sooner than the three minutes that a SYN-ACK may be tried for (RFC 9293 §3.8.3).
"""
import ipaddress
import random
import time

from frames import Garbage
from harness import CLIENT, GUEST_MAC, SUBNET, Failure, expect, ip, main, open_nic, say
from web import Web, in_use, report, settle, warm

FRAMES = 100000
BURST = 400  # what a TAP's queue of 1000 frames surely holds
PEERS = ["10.77.0.129", "10.77.0.130", "10.77.0.191", "198.18.0.1", "198.19.255.254", CLIENT]
ANSWERED = ["10.77.0.128/26", "default"]
GHOSTS = ["10.77.0.200", "10.77.0.201"]
ANSWER_S = 10  # a newcomer's SYN may be dropped twice on its way
EMPTY_S = 200


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


def pour(web, nic, make_frame, between_bursts=lambda: None):
    """Sends all frames. Those of a burst have arrived before the next one starts."""
    rx = web.stats()["net"]["rx_frames"]
    tap, dropped = tap_frames()
    start = {"rx": rx, "tap": tap}
    started = time.monotonic()
    for _ in range(FRAMES // BURST):
        for _ in range(BURST):
            nic.send(make_frame())
        arrived = wait_for_arrival(web, start)
        between_bursts()
    expect(tap_frames()[1] == dropped, f"the TAP dropped {tap_frames()[1] - dropped} frames")
    say(f"{FRAMES} frames sent, none lost: {arrived} arrived with our own among them, "
        f"{FRAMES / (time.monotonic() - started):.0f} a second")


def serve_a_newcomer(host, port):
    try:
        newcomer = Web(host, port, timeout_s=ANSWER_S)
        newcomer.get("/")
        newcomer.close()
    except OSError as error:
        raise Failure(f"a newcomer is not served: {error}") from error


def come_to_life(nic, garbage, guest):
    """From here on the client answers for every address, and says so by ARP."""
    for net in SUBNET.address_exclude(ipaddress.ip_network(guest)):
        ip(f"route replace local {net} dev lo")
    for ghost in SUBNET.hosts():
        if str(ghost) != guest:
            nic.send(garbage.announcement(ghost))


def test(lab):
    guest, host, port = lab.boot_web(lab.direct())
    for net in ANSWERED:
        ip(f"route add local {net} dev lo")
    web = Web(host, port)
    before = warm(web)
    nic, client_mac = open_nic()
    garbage = Garbage(random.Random(lab.args.seed), host, GUEST_MAC, CLIENT, client_mac,
                      PEERS, GHOSTS)
    garbage.live = (web.local_port(), port)
    pour(web, nic, garbage.frame)
    expect(guest.alive(), "the guest ended")
    expect(web.local_port() == garbage.live[0], "the connection aimed at was broken")
    after = web.stats()
    say(f"right after it {after['net']['tcp_conns']} connections are open or half open")
    serve_a_newcomer(host, port)
    say("a newcomer is served at once")
    come_to_life(nic, garbage, host)
    after = settle(web, in_use(before), EMPTY_S)
    report(before, after)


if __name__ == "__main__":
    main(test, __doc__)
