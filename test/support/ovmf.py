# SPDX-License-Identifier: MIT
"""Puts variables into a copy of OVMF's variable store, without running OVMF: Secure Boot keys, and
what to boot.

The store is a firmware volume with one list of authenticated variables (edk2,
MdeModulePkg/Include/Guid/VariableFormat.h). A platform key in it puts the firmware into
user mode, and with that Secure Boot is on.
"""

import struct
import uuid

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")  # of db
STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")  # authenticated variables
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
OWNER = uuid.UUID("45584f43-4f52-4500-8001-4b4559530001")

HEADER = struct.Struct("<HBBIQ16sIII16s")  # AUTHENTICATED_VARIABLE_HEADER
START, ADDED = 0x55AA, 0x3F
PLAIN = 0x07  # non-volatile, boot and runtime access
AUTHENTICATED = PLAIN | 0x20  # time-based
TIME = struct.pack("<HBBBBBxIhBx", 2020, 1, 1, 0, 0, 0, 0, 0, 0)


def _signature_list(certificate):
    """EFI_SIGNATURE_LIST with one X.509 certificate (DER)."""
    entry = OWNER.bytes_le + certificate
    return X509.bytes_le + struct.pack("<III", 28 + len(entry), 0, len(entry)) + entry


def _variable(name, vendor, data, attributes=AUTHENTICATED):
    text = (name + "\0").encode("utf-16-le")
    record = HEADER.pack(START, ADDED, 0, attributes, 0, TIME, 0, len(text), len(data),
                         vendor.bytes_le) + text + data
    return record + b"\xff" * (-len(record) % 4)


def _filled(store, variables):
    """The empty variable store `store` (bytes) with these variables."""
    header_bytes = struct.unpack_from("<H", store, 48)[0]
    at = header_bytes + 28
    if store[header_bytes:header_bytes + 16] != STORE.bytes_le or store[at:at + 2] != b"\xff\xff":
        raise ValueError("this is no empty store of authenticated variables")
    return store[:at] + variables + store[at + len(variables):]


def enrolled(store, certificate):
    """The variable store `store` (bytes) with `certificate` (DER) as PK, KEK and in db."""
    data = _signature_list(certificate)
    variables = b"".join(_variable(name, vendor, data) for name, vendor in
                         (("PK", GLOBAL), ("KEK", GLOBAL), ("db", SECURITY)))
    return _filled(store, variables)


def booting(store, partition, number, path, options):
    """The variable store `store` with one boot option: the file `path` in the partition of a GPT
    (gpt.Partition) whose number is `number`, with the load options `options` (bytes)."""
    where = struct.pack("<BBHIQQ16sBB", 4, 1, 42, number, partition.offset // 512,
                        partition.bytes // 512, partition.guid.bytes_le, 2, 2)
    text = (path + "\0").encode("utf-16-le")
    where += struct.pack("<BBH", 4, 4, 4 + len(text)) + text + struct.pack("<BBH", 0x7F, 0xFF, 4)
    active = 1
    option = struct.pack("<IH", active, len(where)) + "test\0".encode("utf-16-le") + where + options
    return _filled(store, _variable("Boot0000", GLOBAL, option, PLAIN)
                   + _variable("BootOrder", GLOBAL, struct.pack("<H", 0), PLAIN))
