#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""HTTP as raw bytes against the web image: order, strictness, bodies and the last answer.

Every exchange reads to the end of the stream: an answer that a reset overtakes, or that
is not the last before the end, fails the test. 4 MiB of memory are enough for all of it.
"""
import re
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, free_port  # noqa: E402  (the path above comes first)

PATIENCE_S = 30
HOST = b"Host: x\r\n"
LAST = HOST + b"Connection: close\r\n\r\n"
PAGE = b"GET / HTTP/1.1\r\n" + LAST

# What is sent, and the statuses of all answers up to the end of the stream.
EXCHANGES = [
    ("a page", PAGE, [200]),
    ("pipelined requests, in order",
     b"GET /bytes/9 HTTP/1.1\r\n" + HOST + b"\r\nHEAD /none HTTP/1.1\r\n" + HOST + b"\r\n" + PAGE,
     [200, 404, 200]),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", [200]),
    ("HTTP/1.0 kept alive",
     b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n", [200, 200]),
    ("an absolute target", b"GET http://y/stats HTTP/1.1\r\n" + LAST, [200]),
    ("dot segments", b"GET /a/%2e%2e/..//../stats HTTP/1.1\r\n" + LAST, [200]),
    ("no such page", b"GET /../etc/passwd HTTP/1.1\r\n" + LAST, [404]),
    ("a number too large", b"GET /bytes/18446744073709551616 HTTP/1.1\r\n" + LAST, [404]),
    ("another method", b"DELETE / HTTP/1.1\r\n" + LAST, [405]),
    ("the server as a whole", b"OPTIONS * HTTP/1.1\r\n" + LAST, [405]),
    ("a body is read over",
     b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello" + PAGE, [405, 200]),
    ("a body in chunks is read over",
     b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
     b"5;x=y\r\nhello\r\n0\r\nHost: evil\r\n\r\n" + PAGE, [405, 200]),
    ("a broken chunk ends it",
     b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
     b"5\r\nhello!" + PAGE, [400]),
    ("a body that nobody wants",
     b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 900000\r\n\r\n" + b"x" * 200000, [413]),
    ("an expectation is answered, the body not awaited",
     b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", [405]),
    ("both lengths",
     b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"0\r\n\r\n" + PAGE, [400]),
    ("two hosts", b"GET / HTTP/1.1\r\n" + HOST + LAST, [400]),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", [400]),
    ("bare line feeds, and a lot behind", b"GET / HTTP/1.1\nHost: x\n\n" + b"x" * 100000, [400]),
    ("an encoded NUL", b"GET /%00 HTTP/1.1\r\n" + LAST, [400]),
    ("too long a target", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + LAST, [414]),
    ("too large fields", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n", [431]),
    ("an unknown method", b"BREW / HTTP/1.1\r\n" + LAST, [501]),
    ("another version", b"GET / HTTP/2.0\r\n" + LAST, [505]),
]


def whole_stream(port, request, pieces=1 << 30):
    """Sends `request`, in pieces, and returns all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(request), pieces):
            stream.sendall(request[at:at + pieces])
        answer = b""
        while True:
            more = stream.recv(65536)
            if not more:
                return answer
            answer += more


def statuses(answer):
    """The status codes of the answers in a stream (no body here contains such a line)."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def check(guest, port):
    """All exchanges on one machine; raises GuestError at the first that is not as it should."""
    for name, request, expected in EXCHANGES:
        try:
            answer = whole_stream(port, request)
        except OSError as error:
            raise guest.failure(f"{name}: {error}") from error
        if statuses(answer) != expected:
            raise guest.failure(f"{name}: {statuses(answer)}, not {expected}: {answer[:300]!r}")
    if b"\r\nAllow: GET, HEAD\r\n" not in whole_stream(port, b"PUT / HTTP/1.1\r\n" + LAST):
        raise guest.failure("405 without Allow")
    if whole_stream(port, PAGE, pieces=1) != whole_stream(port, PAGE):
        raise guest.failure("a request in single bytes gets another answer")


def main():
    """Ends without an error if all is as the RFCs say."""
    port = free_port()
    with Guest(sys.argv[1], memory="4M", net="user", ports=[f"{port}:80"]) as guest:
        guest.expect(r"web: listening on http://[\d.]+:80/", seconds=60)
        check(guest, port)
    print(f"{len(EXCHANGES)} exchanges as they should be")


if __name__ == "__main__":
    main()
