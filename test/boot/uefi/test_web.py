# SPDX-License-Identifier: MIT
"""web, from the same image that BIOSes boot: it listens, and answers with what was asked for."""
import pathlib
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, free_port  # noqa: E402


def main():
    """Ends without an error if the content arrived whole."""
    port = free_port()
    with Guest(sys.argv[1], firmware="uefi", machine="q35", memory="64M", disk="virtio",
               ports=[f"{port}:80"]) as guest:
        guest.expect("^web: listening on ", 60)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/bytes/1000000", timeout=60) as reply:
            content = reply.read()
        if len(content) != 1000000 or content[:4] != (12345).to_bytes(4, "little"):
            raise guest.failure(f"{len(content)} bytes, beginning with {content[:4].hex()}")


if __name__ == "__main__":
    main()
