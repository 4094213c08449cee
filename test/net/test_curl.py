#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""curl against the web image: pages, keep-alive, HEAD, 404, and 5 MiB byte for byte."""
from harness import expect, main, require, run, say
from web import body, sha256

WRITE_OUT = "%{http_code} %{num_connects} %{size_download} %{content_type}\n"


def curl(*args):
    return run("curl", "--silent", "--show-error", "--max-time", "60", *args).stdout


def facts(*args):
    """(status, new connections, bytes, content type) of each transfer."""
    out = curl("--output", "/dev/null", "--write-out", WRITE_OUT, *args)
    return [line.split(" ", 3) for line in out.splitlines()]


def pages(base):
    page = curl(f"{base}/")
    expect("<html" in page.lower(), f"GET /: no HTML: {page[:200]!r}")
    (status, _, size, kind), = facts(f"{base}/")
    expect(status == "200" and kind.startswith("text/html"), f"GET /: {status} {kind}")
    (status, _, none, _), = facts("--head", f"{base}/")
    expect(status == "200" and none == "0", f"HEAD /: {status}, {none} bytes of body")
    length = [line.split(":")[1].strip() for line in curl("--head", f"{base}/").splitlines()
              if line.lower().startswith("content-length:")]
    expect(length == [size], f"HEAD says {length} bytes, GET has {size}")
    (status, _, _, _), = facts(f"{base}/no/such/page")
    expect(status == "404", f"GET /no/such/page: {status}")
    say("GET, HEAD and 404 are right")


def keep_alive(base):
    made = [new for _, new, _, _ in facts(f"{base}/", "--output", "/dev/null", f"{base}/stats",
                                          "--output", "/dev/null", f"{base}/bytes/5000")]
    expect(made == ["1", "0", "0"], f"three requests made {made} connections")
    say("three requests share one connection")


def bodies(base, folder):
    got = folder / "curl.body"
    for count in (0, 1, 3, 1460, 1461, 65536, 5242880):
        curl("--output", str(got), f"{base}/bytes/{count}")
        data = got.read_bytes() if count else b""
        expect(len(data) == count, f"/bytes/{count}: {len(data)} bytes")
        expect(sha256(data) == sha256(body(count)), f"/bytes/{count}: other bytes than asked")
    got.unlink()
    say("bodies of 0 … 5242880 bytes are exact")


def test(lab):
    require("curl")
    netdev = lab.slirp() if lab.args.slirp else lab.direct()
    _, host, port = lab.boot_web(netdev)
    base = f"http://{host}:{port}"
    pages(base)
    keep_alive(base)
    bodies(base, lab.folder)


if __name__ == "__main__":
    main(test, __doc__, (["--slirp"], {"action": "store_true",
                                       "help": "QEMU's user network instead of TAP"}))
