#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wrk against the web image: ten seconds, 32 connections, no failure, nothing left behind.

With --lossy the cable between them loses, reorders, doubles and flips frames, and the
5 MiB body comes through it as well. wrk calls a request that takes more than 2 s failed, and
so do we.
"""
import re

from harness import expect, main, require, run, say
from web import Web, body, in_use, report, settle, sha256, warm

CABLE = {"loss": 2, "reorder": 5, "hold_us": 4000, "twice": 1, "flip": 0.2}
CONNECTIONS = 32
SECONDS = 10


def load(url):
    """Runs wrk and holds its summary against what it must not say."""
    out = run("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", url,
              timeout_s=SECONDS + 30).stdout
    errors = [line.strip() for line in out.splitlines()
              if re.search(r"Socket errors|Non-2xx", line)]
    expect(not errors, f"wrk: {errors}\n{out}")
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    expect(requests >= CONNECTIONS, f"wrk: only {requests} requests\n{out}")
    percentiles = re.findall(r"^ +(50|99)% +(\S+)", out, re.M)
    say(f"wrk: {requests} requests in {SECONDS} s, none failed; "
        + ", ".join(f"p{p} {t}" for p, t in percentiles))


def big_body(base):
    count = 5242880
    data = Web(*base, timeout_s=60).get(f"/bytes/{count}")
    expect(sha256(data) == sha256(body(count)), f"/bytes/{count}: other bytes than asked")
    say(f"/bytes/{count} is exact")


def test(lab):
    require("wrk")
    if lab.args.lossy:
        net = lab.through_cable(seed=lab.args.seed, **CABLE)
    else:
        net = lab.direct()
    _, host, port = lab.boot_web(net)
    web = Web(host, port)
    before = warm(web)
    load(f"http://{host}:{port}/")
    if lab.args.lossy:
        big_body((host, port))
    after = settle(web, in_use(before), timeout_s=60 if lab.args.lossy else 10)
    report(before, after)
    say(f"TIME-WAIT holds {after['net']['tcp_time_wait']}; the rest is as before")
    if lab.cable:
        lab.cable.stop()
        for line in lab.cable.lines[1:]:
            say(line)


if __name__ == "__main__":
    main(test, __doc__, (["--lossy"], {"action": "store_true", "help": "through the bad cable"}))
