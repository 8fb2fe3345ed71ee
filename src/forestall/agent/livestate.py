"""The guard's live state: one preallocated, checksummed file in the runtime directory (a tmpfs).

Two state slots are written in turn, each by one pwrite; a reader takes the
newest whose checksum holds, so a guard killed in the middle of a write loses at
most that write. Behind them lie the slots for minimal captures, written in a
round; memory is taken for the state ahead, for a capture when it is written.
Nothing here waits for a disk.

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
from forestall.system.files import make_directory, open_own, told

SLOT_BYTES: Final = 64 * 1024
STATE_SLOTS: Final = 2
CAPTURE_SLOTS: Final = 128
"""So many are kept until the recorder has read them; 8 MiB at most, 10 KiB each is usual."""
FILE_BYTES: Final = SLOT_BYTES * (STATE_SLOTS + CAPTURE_SLOTS)
SEQUENCE_MAX: Final = 2**62
"""Nobody has written so often: a file that says so is begun anew."""

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


def _capture_slot(number: int) -> int:
    return STATE_SLOTS + number % CAPTURE_SLOTS


class LiveState:
    """The guard's side of the file: read once at the start, then written before and after every act."""

    def __init__(self, path: str) -> None:
        """Open or make the file; raises Denied or Malformed when that cannot be done."""
        self.path = path
        make_directory(os.path.dirname(path))
        self._fd = open_own(path, os.O_RDWR | os.O_CREAT)
        try:
            self._reserve()
            self.sequence, self.before = read_state(path) or (0, {})
            self._captures = newest_capture_sequence(path)
            if max(self.sequence, self._captures) > SEQUENCE_MAX:
                os.ftruncate(self._fd, 0)
                self._reserve()
                self.sequence, self.before, self._captures = 0, {}, 0
        except OSError as error:
            raise told(error, path) from error

    def _reserve(self) -> None:
        os.posix_fallocate(self._fd, 0, SLOT_BYTES * STATE_SLOTS)
        os.ftruncate(self._fd, FILE_BYTES)

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
        self._put(_capture_slot(self._captures), encoded)
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
    """Return (sequence, object) of those of the slots that hold one, oldest first."""
    descriptor = open_own(path, os.O_RDONLY)
    try:
        slots = [os.pread(descriptor, SLOT_BYTES, slot * SLOT_BYTES) for slot in range(first, first + count)]
    except OSError as error:
        raise told(error, path) from error
    finally:
        os.close(descriptor)
    found = [decoded for slot in slots if (decoded := _decode(slot)) is not None and isinstance(decoded[1], dict)]
    return sorted(found, key=lambda pair: pair[0])


def read_state(path: str) -> tuple[int, dict[str, Any]] | None:
    """Return (sequence, state) as last written, None when there is none that holds; raises Absent, Denied."""
    found = _slots(path, 0, STATE_SLOTS)
    return found[-1] if found else None


def read_captures(path: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the minimal captures that the file still holds, oldest first; raises Absent, Denied."""
    return _slots(path, STATE_SLOTS, CAPTURE_SLOTS)


def read_capture(path: str, number: int) -> dict[str, Any] | None:
    """Return the minimal capture of that number, None when a newer one has its place; raises Absent, Denied."""
    found = _slots(path, _capture_slot(number), 1)
    return found[0][1] if found and found[0][0] == number else None


def newest_capture_sequence(path: str) -> int:
    """Return the number of the newest capture, 0 when there is none."""
    captures = read_captures(path)
    return captures[-1][0] if captures else 0
