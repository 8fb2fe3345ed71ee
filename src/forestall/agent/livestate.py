"""The guard's live state: one preallocated, checksummed file in the runtime directory (a tmpfs).

Two state slots are written in turn, each by one pwrite; a reader takes the
newest whose checksum holds, so a guard killed in the middle of a write loses at
most that write. Behind them lie a few slots for minimal captures. Nothing here
waits for a disk.

    slot   magic "FSL1" | crc32 of what follows | length | sequence | JSON
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from forestall.model.errors import Malformed
from forestall.system.files import make_directory, read_file, told

SLOT_BYTES: Final = 64 * 1024
STATE_SLOTS: Final = 2
CAPTURE_SLOTS: Final = 8
FILE_BYTES: Final = SLOT_BYTES * (STATE_SLOTS + CAPTURE_SLOTS)

_MAGIC: Final = b"FSL1"
_HEADER: Final = struct.Struct("<4sIIQ")


def _encode(sequence: int, content: Any) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    room = SLOT_BYTES - _HEADER.size
    if len(body) > room:
        raise Malformed("live state", f"{len(body)} bytes do not fit into a slot of {room}")
    rest = struct.pack("<IQ", len(body), sequence) + body
    return _MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


def _decode(slot: bytes) -> tuple[int, Any] | None:
    """Return (sequence, content) of a slot, None when it is empty or damaged."""
    if len(slot) < _HEADER.size or not slot.startswith(_MAGIC):
        return None
    _, checksum, length, sequence = _HEADER.unpack_from(slot)
    body = slot[_HEADER.size : _HEADER.size + length]
    if len(body) != length or zlib.crc32(slot[8 : _HEADER.size + length]) != checksum:
        return None
    try:
        return sequence, json.loads(body)
    except (ValueError, RecursionError):
        return None


class LiveState:
    """The guard's side of the file: read once at the start, then written before and after every act."""

    def __init__(self, path: str) -> None:
        """Open or make the file; raises Denied or Malformed when that cannot be done."""
        self.path = path
        make_directory(os.path.dirname(path))
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            os.posix_fallocate(self._fd, 0, FILE_BYTES)
        except OSError as error:
            raise told(error, path) from error
        before = read_state(path)
        self.sequence = before[0] if before is not None else 0
        self.before = before[1] if before is not None else {}
        self._captures = newest_capture_sequence(path)

    def write(self, content: dict[str, Any], shorter: Iterable[dict[str, Any]] = ()) -> None:
        """Replace the state by one pwrite, by the first of `shorter` that fits a slot when `content` does not.

        Raises Malformed when none fits.
        """
        # Counted up only once it is sure to fit: a skipped number would make the next write hit the slot that holds.
        for candidate in chain((content,), shorter):
            try:
                encoded = _encode(self.sequence + 1, candidate)
            except Malformed as error:
                refused = error
                continue
            self.sequence += 1
            self._put(self.sequence % STATE_SLOTS, encoded)
            return
        raise refused

    def keep_capture(self, content: dict[str, Any]) -> int:
        """Keep a minimal capture and return its number; the oldest of CAPTURE_SLOTS gives way."""
        encoded = _encode(self._captures + 1, content)
        self._captures += 1
        self._put(STATE_SLOTS + self._captures % CAPTURE_SLOTS, encoded)
        return self._captures

    def _put(self, slot: int, content: bytes) -> None:
        try:
            os.pwrite(self._fd, content, slot * SLOT_BYTES)
        except OSError as error:
            raise told(error, self.path) from error

    def close(self) -> None:
        """Let the file go; it stays for whoever comes next."""
        os.close(self._fd)


def _slots(path: str, first: int, count: int) -> list[tuple[int, Any]]:
    whole = read_file(path, FILE_BYTES)
    found = []
    for slot in range(first, first + count):
        decoded = _decode(whole[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES])
        if decoded is not None:
            found.append(decoded)
    return sorted(found, key=lambda pair: pair[0])


def read_state(path: str) -> tuple[int, dict[str, Any]] | None:
    """Return (sequence, state) as last written, None when there is none that holds; raises Absent, Denied."""
    found = [pair for pair in _slots(path, 0, STATE_SLOTS) if isinstance(pair[1], dict)]
    return found[-1] if found else None


def read_captures(path: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the minimal captures that the file still holds, oldest first; raises Absent, Denied."""
    return [pair for pair in _slots(path, STATE_SLOTS, CAPTURE_SLOTS) if isinstance(pair[1], dict)]


def newest_capture_sequence(path: str) -> int:
    """Return the number of the newest capture, 0 when there is none."""
    captures = read_captures(path)
    return captures[-1][0] if captures else 0
