#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two owners on one NIC: a netstack serves pages, an app's own loop answers UDP port 7007.

Both are loaded at the same time and the guest's counters say whose frames were whose. Then
the loop gives its flow back: the netstack goes on, and what arrives for the port is its. Then
it comes again. Spoilt frames between all that.
"""
import json
import os
import random
import socket
import struct
import threading

from frames import Garbage
from harness import CLIENT, GUEST, GUEST_MAC, expect, main, open_nic, require, run, say
from web import Web

PORT = 7007
SECONDS = 5
SIZES = [0, 1, 18, 64, 512, 1472]
FRAMES, BURST = 20000, 100  # half of them to the loop, which has 128 buffers
PEERS = ["10.77.0.77", "198.18.0.1"]


class Echo:
    """A client of the loop; counts what came back as it was sent."""

    def __init__(self, host):
        self.stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stream.settimeout(10)
        self.stream.connect((host, PORT))
        self.count = 0

    def ask(self):
        sent = os.urandom(SIZES[self.count % len(SIZES)])
        self.stream.send(sent)
        expect(self.stream.recv(2048) == sent, f"echo {self.count}: {len(sent)} bytes changed")
        self.count += 1

    def refused(self):
        """True once the netstack says that nobody is at the port."""
        try:
            self.stream.send(b"anybody?")
            self.stream.recv(2048)
        except ConnectionRefusedError:
            return True
        return False


def counters(web, path="/"):
    return json.loads(web.get(path))


def both_at_once(web, echo):
    """wrk on the netstack while datagrams go to the loop; every frame has the right owner."""
    before, asked = counters(web), echo.count
    failures, done = [], threading.Event()

    def keep_asking():
        try:
            while not done.is_set():
                echo.ask()
        except Exception as problem:  # of a thread: it is raised below
            failures.append(problem)

    asker = threading.Thread(target=keep_asking)
    asker.start()
    out = run("wrk", "-t1", "-c8", f"-d{SECONDS}s", f"http://{web.host}:{web.port}/",
              timeout_s=SECONDS + 30).stdout
    done.set()
    asker.join(30)
    expect(not failures, f"the echo, beside wrk: {failures}")
    expect("Socket errors" not in out and "Non-2xx" not in out, f"wrk, beside the echo:\n{out}")

    after, asked = counters(web), echo.count - asked
    moved = {who: after[who]["rx_frames"] - before[who]["rx_frames"] for who in ("net", "echo")}
    say(f"wrk moved {moved['net']} frames while {asked} datagrams were answered by the loop")
    expect(asked > 0 and moved["net"] > 0, "one of the two did nothing")
    expect(moved["echo"] == asked, f"{asked} datagrams, but the loop got {moved['echo']} frames")
    expect(after["answered"] - before["answered"] == asked, "the loop did not answer each")
    for who in ("net", "echo"):
        expect(not any(after[who][drop] for drop in ("rx_no_buffer", "rx_too_long", "tx_not_ours")),
               f"{who} lost frames: {after}")


def one_ends(web, echo, host):
    for _ in range(5):
        stopped = counters(web, "/stop")
        expect(not stopped["echo"]["open"], f"/stop: {stopped}")
        expect(Echo(host).refused(), "nobody is at the port, and nobody says so")
        started = counters(web, "/start")
        expect(started["echo"]["open"], f"/start: {started}")
        echo.ask()
    say("the loop ended and came back 5 times; the netstack answered throughout")


def garbage(seed, host, web, echo):
    nic, client_mac = open_nic()
    frames = Garbage(random.Random(seed), host, GUEST_MAC, CLIENT, client_mac, PEERS, PEERS)
    with nic:
        for n in range(FRAMES // BURST):
            for _ in range(BURST // 2):
                nic.send(frames.frame())
                spoilt = frames.udp(port=PORT)
                random.Random(n).choice(frames.SPOIL)(frames, spoilt)
                nic.send(frames.bounded(frames.harmless(spoilt)))
            nic.send(frames.announcement(CLIENT))
            echo.ask()
    after = counters(web)
    expect(after["echo"]["tx_not_ours"] == 0, f"the loop answered what is not its own: {after}")
    say(f"{FRAMES} spoilt frames later both still answer")


def test(lab):
    require("wrk")
    net = lab.direct()
    guest = lab.boot(net, "64M")
    host = guest.wait_for(r"shared_nic: http://([\d.]+):80/").group(1)
    expect(host == GUEST, f"the address is {host}")
    web, echo = Web(host), Echo(host)
    for _ in range(100):
        echo.ask()
    both_at_once(web, echo)
    one_ends(web, echo, host)
    garbage(lab.args.seed, host, web, echo)
    expect(guest.alive(), "the guest ended")


if __name__ == "__main__":
    main(test, __doc__)
