#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ten thousand connections, one after the other, closed by either side: all must be gone.

Odd ones ask the server to close, even ones close first, so both roads of RFC 9293 §3.6
are walked: ours through TIME-WAIT, the peer's through LAST-ACK.
"""
import socket
import time

from harness import Failure, expect, main, say
from web import Web, in_use, report, settle, warm

CONNECTIONS = 10000
SERVER_CLOSES = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CLIENT_CLOSES = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def read_head(stream):
    """The bytes up to the end of the header, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        expect(more, f"closed inside the header: {data!r}")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def content_length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise Failure(f"no Content-Length: {head!r}")


def one_connection(host, port, request):
    with socket.create_connection((host, port), timeout=30) as stream:
        stream.sendall(request)
        head, data = read_head(stream)
        expect(head.startswith(b"HTTP/1.1 200 "), f"answer: {head!r}")
        length = content_length(head)
        while len(data) < length:
            more = stream.recv(65536)
            expect(more, f"closed after {len(data)} of {length} bytes")
            data += more
        if request is SERVER_CLOSES:
            expect(stream.recv(1) == b"", "bytes behind the body, or no end of stream")


def test(lab):
    _, host, port = lab.boot_web(lab.direct())
    web = Web(host, port)
    before = warm(web)
    started = time.monotonic()
    for n in range(CONNECTIONS):
        try:
            one_connection(host, port, SERVER_CLOSES if n % 2 else CLIENT_CLOSES)
        except OSError as error:
            raise Failure(f"connection {n}: {error}") from error
    say(f"{CONNECTIONS} connections at {CONNECTIONS / (time.monotonic() - started):.0f} a second")
    after = settle(web, in_use(before))
    report(before, after)
    waiting = after["net"]["tcp_time_wait"]
    expect(waiting <= CONNECTIONS // 2, f"{waiting} in TIME-WAIT, more than we closed first")
    accepted = after["net"]["tcp_accepted"] - before["net"]["tcp_accepted"]
    expect(accepted == CONNECTIONS, f"{accepted} connections accepted, not {CONNECTIONS}")
    say(f"the table is empty but for us; TIME-WAIT holds {waiting}")


if __name__ == "__main__":
    main(test, __doc__)
