#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""web with little memory: 32 clients at a time get what they ask for, again and again.

    test_web.py BUILD --machine M --memory SIZE
"""

import argparse
import http.client
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, free_port  # noqa: E402  (the path above comes first)

CLIENTS = 32
ROUNDS = 10
BODY = 20000


def expected(count):
    """What /bytes/count sends."""
    words = ((k * 2654435761 + 12345) % 2**32 for k in range((count + 3) // 4))
    return b"".join(word.to_bytes(4, "little") for word in words)[:count]


def ask_all(guest, port):
    """All clients connected at once, each with a request under way in every round."""
    clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(CLIENTS)]
    body = expected(BODY)
    for _ in range(ROUNDS):
        for client in clients:
            client.request("GET", f"/bytes/{BODY}")
        for client in clients:
            if client.getresponse().read() != body:
                raise guest.failure("a body is not as it should be")
    clients[0].request("GET", "/stats")
    stats = json.loads(clients[0].getresponse().read())
    for client in clients:
        client.close()
    return stats


def main():
    """Ends without an error if every request was answered."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--memory", required=True)
    args = parser.parse_args()
    port = free_port()
    with Guest(args.build / "web.elf", firmware="direct", machine=args.machine,
               memory=args.memory, net="user", ports=[f"{port}:80"]) as guest:
        guest.expect("^web: listening")
        stats = ask_all(guest, port)
        if stats["http"]["connections"] != CLIENTS:
            raise guest.failure(f"not all clients are connected: {stats['http']}")
    print(f"{args.memory}: {CLIENTS} clients, {ROUNDS} rounds; frames {stats['frames']}")


if __name__ == "__main__":
    main()
