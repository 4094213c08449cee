#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The web image in 16 MiB of memory: the same pages, bodies and load, nothing left behind."""
from harness import expect, main, require, say
from test_wrk import big_body, load
from web import Web, in_use, report, settle, warm

MEMORY = "16M"


def test(lab):
    require("wrk")
    _, host, port = lab.boot_web(lab.direct(), MEMORY)
    web = Web(host, port)
    before = warm(web)
    total_kib = before["frames"]["total"] * 4
    expect(total_kib <= 16 * 1024, f"{total_kib} KiB of frames in a machine of {MEMORY}")
    load(f"http://{host}:{port}/")
    big_body((host, port))
    after = settle(web, in_use(before))
    report(before, after)
    heap = after["heap"]
    say(f"{MEMORY}: {total_kib} KiB of frames, heap {heap['total']} bytes, peak {heap['peak']}")


if __name__ == "__main__":
    main(test, __doc__)
