# SPDX-License-Identifier: MIT
"""The client's view of the `web` image: requests, its statistics, and waiting for calm."""
import hashlib
import http.client
import json
import struct
import time

from harness import Failure, expect, say


def body(count):
    """The bytes of /bytes/count, computed here from their definition."""
    words = (count + 3) // 4
    values = ((k * 2654435761 + 12345) & 0xFFFFFFFF for k in range(words))
    return struct.pack(f"<{words}I", *values)[:count]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Web:
    """One keep-alive connection to the server, reopened when the server closed it."""

    def __init__(self, host, port=80, timeout_s=30):
        self.host, self.port = host, port
        self.connection = http.client.HTTPConnection(host, port, timeout=timeout_s)

    def get(self, path):
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        data = response.read()
        expect(response.status == 200, f"GET {path}: {response.status}")
        return data

    def stats(self):
        return json.loads(self.get("/stats"))

    def local_port(self):
        return self.connection.sock.getsockname()[1]

    def close(self):
        self.connection.close()


CROWD = 64
PAGE_TABLES = 4  # that stay when the stacks of a first crowd are unmapped


def warm(web):
    """Statistics after a first crowd has come and gone, with which later ones are compared."""
    cold = web.stats()
    crowd = [Web(web.host, web.port) for _ in range(CROWD)]
    for visitor in crowd:
        visitor.get("/")
    for visitor in crowd:
        visitor.close()
    return settle(web, {**in_use(cold), "frames": in_use(cold)["frames"] + PAGE_TABLES})


# The receive ring is filled up 32 packets at a time (sdk/glue/link_nic.c). What it lacks in between
# is in the pool, so that two counts may differ by as much though nothing is lost.
SLACK = {"packets": 31}


def in_use(stats):
    """What must come back once the load is over, by name."""
    return {
        "connections": stats["net"]["tcp_conns"],
        "packets": stats["net"]["pkts_total"] - stats["net"]["pkts_free"],
        "heap": stats["heap"]["used"],
        "heap blocks": stats["heap"]["blocks"],
        "frames": stats["frames"]["total"] - stats["frames"]["free"],
        "tasks": stats["tasks"],
        "http connections": stats["http"]["connections"],
    }


def settle(web, before, timeout_s=10):
    """Asks until nothing is in use that was not before; returns the last statistics.

    `before` and every answer are taken over the same open connection, so that it counts
    in both. The time limit is for TCP's own farewells, the pause between two questions
    keeps us from being the load.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        stats = web.stats()
        now = in_use(stats)
        more = {name: (before[name], now[name]) for name in now
                if now[name] > before[name] + SLACK.get(name, 0)}
        if not more:
            return stats
        if time.monotonic() > deadline:
            listing = ", ".join(f"{n} {a} then {b}" for n, (a, b) in more.items())
            raise Failure(f"still in use {timeout_s} s after the load: {listing}\n{stats}")
        time.sleep(0.05)


def report(before, after):
    """One line: what moved between two statistics, reasons by name."""
    moved = {name: after["net"][name] - before["net"][name] for name in after["net"]}
    say("moved: " + ", ".join(f"{name} {n:+d}" for name, n in moved.items() if n))
