# SPDX-License-Identifier: MIT
"""Signing an image for Secure Boot: docs/security.md.

The signature covers the loader, BOOTX64.EFI, and through the list in its section .trust the
kernels that it may run and the command line that it gives them (bootloader/uefi_trust.inc).
"""

import re
import struct
import subprocess
import tempfile
from pathlib import Path

from . import esp, gpt, image, slots

PE_AT = 0x3C  # where a PE file says where its header is
OPTIONAL_AT = 24  # from there
CHECKSUM_AT = OPTIONAL_AT + 64
CERTIFICATES_AT = OPTIONAL_AT + 112 + 4 * 8  # data directory 4
SECTION = struct.Struct("<8sIIII16x")
TRUST = b".trust"
TRUST_HEADER = struct.Struct("<8sII48x")
TRUST_MAGIC = b"EXOTRUST"
OPENSSL_ERROR = re.compile(r"[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):")


def _header(loader):
    """Where the PE header begins; ValueError if this is no loader."""
    if len(loader) > PE_AT + 4 and loader[:2] == b"MZ":
        at = struct.unpack_from("<I", loader, PE_AT)[0]
        if loader[at:at + 4] == b"PE\0\0":
            return at
    raise ValueError("the image has no UEFI loader to sign")


def unsigned(loader):
    """The loader as it was before anybody signed it."""
    at = _header(loader)
    offset, _ = struct.unpack_from("<II", loader, at + CERTIFICATES_AT)
    bare = bytearray(loader[:offset] if offset else loader)
    struct.pack_into("<I", bare, at + CHECKSUM_AT, 0)
    struct.pack_into("<II", bare, at + CERTIFICATES_AT, 0, 0)
    return bare


def _trust_at(loader):
    """Where section .trust begins in the file."""
    at = _header(loader)
    count, optional = struct.unpack_from("<H12xH", loader, at + 6)
    for i in range(count):
        name, _, _, _, offset = SECTION.unpack_from(loader, at + OPTIONAL_AT + optional
                                                    + i * SECTION.size)
        if name.rstrip(b"\0") == TRUST and loader[offset:offset + 8] == TRUST_MAGIC:
            return offset
    raise ValueError("the image's UEFI loader has no list of kernels to sign")


def with_trust(loader, digests, cmdline):
    """The unsigned loader with a list of kernels (SHA-256) and the command line for them."""
    filled = unsigned(loader)
    at = _trust_at(filled)
    _, room, _ = TRUST_HEADER.unpack_from(filled, at)
    if not 0 < len(digests) <= room:
        raise ValueError(f"a loader is signed for 1 to {room} kernels, not for {len(digests)}")
    TRUST_HEADER.pack_into(filled, at, TRUST_MAGIC, room, len(digests))
    at += TRUST_HEADER.size
    content = b"".join(digests).ljust(room * 32, b"\0") + cmdline
    filled[at:at + len(content)] = content
    return bytes(filled)


def sbsign(loader, key, cert):
    """The loader with a signature; ValueError says which files did not do, and why."""
    with tempfile.TemporaryDirectory(prefix="exocore-") as folder:
        source, target = Path(folder) / "unsigned.efi", Path(folder) / "signed.efi"
        source.write_bytes(loader)
        try:
            done = subprocess.run(["sbsign", "--key", key, "--cert", cert, "--output", target,
                                   source], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise ValueError("sbsign is missing: install Debian's sbsigntool") from None
        if done.returncode or not target.exists():
            raise ValueError(f"sbsign cannot sign with {key} and {cert}, as PEM files of a private "
                             f"key and its certificate: {_reason(done.stderr)}")
        return target.read_bytes()


def _reason(said):
    """The reason out of what sbsign said: its last line, which OpenSSL writes with colons."""
    line = (said.strip().splitlines() or ["no reason given"])[-1]
    found = OPENSSL_ERROR.match(line)
    return found[1] if found else line


def signed_loader(path, key, cert):
    """(where the EFI system partition begins, the image's UEFI loader, signed for the kernels in
    its slots and its command line)."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        volumes = [p.offset for p in gpt.read(file, size)[1] if p.kind == gpt.ESP]
        if not volumes:
            raise ValueError("the image has no EFI system partition")
        digests = [slot.digest for slot in image.find_slots(file) if slot.payload_sound]
        file.seek(image.CMDLINE_AT)
        cmdline = file.read(image.CMDLINE_BYTES)
    loader = esp.read(path, volumes[0], esp.LOADER)
    return volumes[0], sbsign(with_trust(loader, digests, cmdline), key, cert)


def sign_image(path, key, cert):
    """Signs the image's UEFI loader for the kernels in its slots and its command line."""
    volume, signed = signed_loader(path, key, cert)
    esp.replace(path, volume, esp.LOADER, signed)
