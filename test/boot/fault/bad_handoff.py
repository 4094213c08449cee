# SPDX-License-Identifier: MIT
"""Boots copies of an image whose loader hands over a broken block: each time core must say
what is wrong in one line and stop, with the status for a machine it cannot run on."""

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from qemu import Guest, GuestError, image_format  # noqa: E402  (the path above comes first)

MAGIC = b"EXO HND1"
STATUS = 103  # CORE_BRINGUP_STATUS


def broken(image, scratch):
    """A copy of the image with the first letter of the loader's magic number changed. Core's
    own copy of the number lies behind the loader and stays."""
    data = bytearray(Path(image).read_bytes())
    at = data.find(MAGIC, image_format.STAGE2_AT, image_format.ESP_AT)
    if at < 0:
        raise GuestError(f"{image}: the loader has no magic number to break")
    data[at] ^= 1
    copy = Path(scratch) / "broken.img"
    copy.write_bytes(data)
    return copy


def main(image):
    """Exit status 0 if core refused in one line."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            with Guest(broken(image, scratch)) as guest:
                status = guest.wait()
                if status != STATUS:
                    raise guest.failure(f"exit status {status}, not {STATUS}")
                if not re.fullmatch(r"exocore: no handoff block .*magic.*", guest.log.strip()):
                    raise guest.failure("not the one line")
                print(guest.log)
    except GuestError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
