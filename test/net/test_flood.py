#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hundred thousand SYNs from nobody: newcomers are served all the while, nothing is kept.

The SYNs are good ones, and their senders are ghosts, on the link and beyond the router;
each would hold a place for minutes (RFC 4987). Behind every burst somebody real connects.
"""
import random

from frames import Garbage
from harness import CLIENT, GUEST_MAC, ip, main, open_nic, say
from test_garbage import EMPTY_S, come_to_life, pour, serve_a_newcomer
from web import Web, in_use, report, settle, warm

GHOSTS = [f"10.77.0.{n}" for n in range(200, 250)] + [f"198.18.7.{n}" for n in range(1, 250)]


def test(lab):
    _, host, port = lab.boot_web(lab.direct())
    web = Web(host, port)
    before = warm(web)
    nic, client_mac = open_nic()
    ghosts = Garbage(random.Random(lab.args.seed), host, GUEST_MAC, CLIENT, client_mac,
                     [CLIENT], GHOSTS)
    served = []

    def somebody_real():
        serve_a_newcomer(host, port)
        served.append(1)

    pour(web, nic, ghosts.flood, somebody_real)
    after = web.stats()
    say(f"{len(served)} newcomers were served between them; "
        f"{after['net']['tcp_conns']} connections are open or half open")
    ip("route add local default dev lo")
    come_to_life(nic, ghosts, host)
    report(before, settle(web, in_use(before), EMPTY_S))


if __name__ == "__main__":
    main(test, __doc__)
