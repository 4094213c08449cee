# SPDX-License-Identifier: MIT
"""A slot: a kernel with what a loader must know to choose it. docs/handoff.md §6.

    page 0    header: what the payload is. Written once
    page 1    state, copy 0 ┐ how likely it is to be booted. The sound copy of the higher
    page 2    state, copy 1 ┘ generation counts; a new state goes over the other one
    page 3 …  payload: the stripped kernel
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass, replace

from . import elf as elf_format

PAGE = 4096
RECORD = 512
CRC_AT = RECORD - 4
HEADER = struct.Struct("<8sIIQQ32s20s")
STATE = struct.Struct("<8sQBBB")
MAGIC = b"EXOSLOT1"
VERSION = 1
STATE_MAGIC = b"EXOSTATE"
PAYLOAD_AT = 3 * PAGE
PAYLOAD_MAX = 1 << 32
PRIORITY_MAX = 15
GENERATION_MAX = (1 << 64) - 1
TRIES = 3


class SlotError(ValueError):
    """A slot is not what it should be, or must not be written."""


def _sealed(record):
    body = record.ljust(CRC_AT, b"\0")
    return body + struct.pack("<I", zlib.crc32(body))


def _is_sealed(record):
    return len(record) == RECORD and \
        struct.unpack_from("<I", record, CRC_AT)[0] == zlib.crc32(record[:CRC_AT])


@dataclass(frozen=True)
class State:
    """The state that counts."""
    generation: int = 1
    priority: int = 0  # 0: never; the highest is tried first
    tries: int = 0  # starts left until somebody confirms the slot
    successful: bool = False  # confirmed: tries no longer count

    def packed(self):
        """The record as it lies on the disk."""
        return _sealed(STATE.pack(STATE_MAGIC, self.generation, self.priority, self.tries,
                                  self.successful))

    def bootable(self):
        """As far as the state says."""
        return self.priority > 0 and (self.successful or self.tries > 0)


def build_id(kernel_elf):
    """The linker's build ID, 20 bytes; zeros for a file without one."""
    try:
        note = elf_format.Elf(kernel_elf).section(".note.gnu.build-id")
    except (elf_format.ElfError, IndexError):
        note = None
    if not note or note.size < 36:
        return bytes(20)
    return kernel_elf[note.offset + 16:note.offset + 36]


def header(payload, identity=bytes(20)):
    """The header record of a slot that holds `payload`."""
    return _sealed(HEADER.pack(MAGIC, VERSION, RECORD, len(payload), PAYLOAD_AT,
                               hashlib.sha256(payload).digest(), identity))


def bytes_for(payload_bytes, grain=256 << 10):
    """How large a slot should be: room for a kernel twice as large."""
    return -(-(PAYLOAD_AT + 2 * payload_bytes) // grain) * grain


def content(payload, state, identity=bytes(20)):
    """A whole slot, fresh."""
    return (header(payload, identity).ljust(PAGE, b"\0") + state.packed().ljust(2 * PAGE, b"\0")
            + payload)


def empty():
    """A slot that is never booted."""
    return bytes(PAGE) + State().packed()


class Slot:
    """A slot on a disk: `file` is seekable, the slot begins at `offset`."""

    def __init__(self, letter, file, offset, room):
        self.letter = letter
        self.offset = offset
        self.room = room
        file.seek(offset)
        head = file.read(PAYLOAD_AT)
        self.state, self.copy = self._newest(head)
        self.digest = bytes(32)  # the payload's, if that is sound
        self.payload_sound = self._check(file, head[:RECORD])

    @staticmethod
    def _newest(head):
        """(state, which copy) that counts; (None, 1) if both copies are damaged."""
        best, where = None, 1
        for copy in 0, 1:
            at = PAGE * (1 + copy)
            record = head[at:at + RECORD]
            if _is_sealed(record) and record[:8] == STATE_MAGIC:
                _, generation, priority, tries, successful = STATE.unpack_from(record)
                if generation and (best is None or generation > best.generation):
                    best, where = State(generation, priority, tries, bool(successful)), copy
        return best, where

    def _check(self, file, record):
        if not _is_sealed(record) or record[:8] != MAGIC:
            return False
        _, version, _, count, at, digest, _ = HEADER.unpack_from(record)
        pages = -(-count // PAGE) * PAGE
        if version != VERSION or not 0 < count <= PAYLOAD_MAX or at < PAYLOAD_AT or at % PAGE \
                or at + pages > self.room:
            return False
        file.seek(self.offset + at)
        self.digest = digest
        return hashlib.sha256(file.read(count)).digest() == digest

    def boots(self):
        """True if a loader would boot it, were it alone."""
        return self.payload_sound and self.state is not None and self.state.bootable()

    def state_write(self, **changes):
        """(offset, bytes) of the write that makes these changes to its state."""
        old = self.state or State(generation=0)
        self.state = replace(old, generation=old.generation + 1, **changes)
        self.copy ^= 1
        return self.offset + PAGE * (1 + self.copy), self.state.packed()


def update(slot, other, payload, identity=bytes(20)):
    """Yields the writes (offset, bytes) that put `payload` into `slot` and make it the next
    to be tried. Each must be on the disk before the next begins; after any number of them
    the other slot, or the new one, boots.
    """
    if PAYLOAD_AT + len(payload) > slot.room:
        raise SlotError(f"the kernel has {len(payload)} bytes, and {slot.room - PAYLOAD_AT} fit "
                        f"into slot {slot.letter}")
    if not other.boots():
        raise SlotError(f"slot {other.letter} does not boot, so slot {slot.letter} must not be "
                        "overwritten: a power cut would leave nothing")
    if slot.boots() and slot.state.successful and not other.state.successful:
        raise SlotError(f"nobody has confirmed slot {other.letter} yet, so slot {slot.letter} "
                        "must not be overwritten: it is the one that is known to work")
    for each in slot, other:
        if each.state and each.state.generation > GENERATION_MAX - 2:  # no room for both writes
            raise SlotError(f"the state of slot {each.letter} is damaged: its generation is "
                            f"{each.state.generation}")
    yield slot.state_write(priority=0, tries=0, successful=False)
    if other.state.priority >= PRIORITY_MAX:
        yield other.state_write(priority=1)
    yield slot.offset + PAYLOAD_AT, payload + bytes(-len(payload) % PAGE)
    yield slot.offset, header(payload, identity)
    yield slot.state_write(priority=other.state.priority + 1, tries=TRIES)
