#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""web on QEMU's microvm as people start it: with ACPI, which alone says then where the NIC is,
or without; with virtio's registers as they were before version 1.0, or as they are.

    test_microvm.py WEB.ELF MACHINE legacy|modern
"""
import hashlib
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "net"))
from qemu import Guest, GuestError, free_port  # noqa: E402  (the paths above come first)
from web import body  # noqa: E402

PATIENCE_S = 30
BODY = 300000  # many times around both rings


def check(guest, port):
    """A page, and a body that is right to the byte."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE_S) as answer:
        if b"<html" not in answer.read():
            raise guest.failure("no page")
    url = f"http://127.0.0.1:{port}/bytes/{BODY}"
    for _ in range(3):
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            if hashlib.sha256(answer.read()).digest() != hashlib.sha256(body(BODY)).digest():
                raise guest.failure("a body is not as it should be")


def main():
    """Exit status 0 if all was answered."""
    elf, machine, registers = sys.argv[1:]
    old = "true" if registers == "legacy" else "false"
    port = free_port()
    try:
        with Guest(elf, firmware="direct", machine=machine, net="user", ports=[f"{port}:80"],
                   extra=["-global", f"virtio-mmio.force-legacy={old}",
                          "-cpu", "qemu64"]) as guest:
            guest.expect(r"web: listening on http://[\d.]+:80/", seconds=60)
            check(guest, port)
    except (GuestError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(f"{machine}, {registers} virtio: served")
    return 0


if __name__ == "__main__":
    sys.exit(main())
