"""Bounded, never waiting talk between our processes: one JSON object a line over a pipe.

Writing to a full pipe drops the line and counts it: whoever guards must not wait
for whoever listens. A line is at most PIPE_BUF bytes, so that it is written
whole or not at all (pipe(7)).
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from typing import Any, Final

from forestall.system.process import open_pipe

LINE_BYTES_MAX: Final = 4096
READ_BYTES_MAX: Final = 65536


class Outlet:
    """The writing end; `dropped` counts lines that found no room or nobody to read them.

    `room_bytes` above LINE_BYTES_MAX is only for the one line that an empty pipe takes.
    """

    __slots__ = ("_room_bytes", "dropped", "fd")

    def __init__(self, fd: int, room_bytes: int = LINE_BYTES_MAX) -> None:
        self.fd = fd
        self.dropped = 0
        self._room_bytes = room_bytes
        os.set_blocking(fd, False)

    def send(self, message: dict[str, Any]) -> bool:
        """Send one object; False when it was dropped."""
        return self.send_line(encoded(message))

    def send_line(self, line: bytes) -> bool:
        """Send one line that `encoded` has made; False when it was dropped."""
        if len(line) > self._room_bytes:
            self.dropped += 1
            return False
        try:
            whole = os.write(self.fd, line) == len(line)
        except (BlockingIOError, BrokenPipeError):
            whole = False
        self.dropped += not whole
        return whole

    def close(self) -> None:
        """Close the end; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def encoded(message: dict[str, Any]) -> bytes:
    """Return the message as one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def fitted(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message with its longest texts cut, an ellipsis at their end, so that it goes through as one line.

    A cgroup's owner chooses its name, and a command its output: neither may make a message unsendable.
    """
    room = LINE_BYTES_MAX
    # 64 bytes are left for the number that the sender adds.
    while len(json.dumps(message, separators=(",", ":"))) > LINE_BYTES_MAX - 64 and room > 8:
        room //= 2
        message = {key: _cut(part, room) for key, part in message.items()}
    return message


def _cut(part: Any, room: int) -> Any:
    """Return any JSON value with its texts cut so that none takes more than `room` bytes on the line."""
    if isinstance(part, dict):
        return {key: _cut(below, room) for key, below in part.items()}
    if isinstance(part, (list, tuple)):
        return [_cut(below, room) for below in part]
    if not isinstance(part, str) or len(json.dumps(part)) - 2 <= room:
        return part
    # A character takes at most twelve bytes: two escapes of six.
    return part[: max(1, room // 12)] + "…" if not part.isascii() else part[: room - 6] + "…"


def pipe_in(undo: ExitStack) -> tuple[int, int]:
    """Make a pipe whose reading and writing end `undo` closes; raises Malformed when no descriptors are left."""
    ends = open_pipe()
    for end in ends:
        undo.callback(os.close, end)
    return ends


class Inlet:
    """The reading end: collects bytes into whole lines; `ended` when the other side has closed."""

    __slots__ = ("_rest", "ended", "fd", "malformed")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.ended = False
        self.malformed = 0
        self._rest = b""
        os.set_blocking(fd, False)

    def receive(self) -> list[dict[str, Any]]:
        """Return the objects that have come whole; never waits."""
        try:
            got = os.read(self.fd, READ_BYTES_MAX)
        except BlockingIOError:
            return []
        except OSError:
            got = b""
        if not got:
            self.ended = True
            return []
        lines = (self._rest + got).split(b"\n")
        self._rest = lines.pop()[-READ_BYTES_MAX:]
        return [message for line in lines if (message := self._object(line)) is not None]

    def _object(self, line: bytes) -> dict[str, Any] | None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            return message
        self.malformed += 1
        return None

    def close(self) -> None:
        """Close the end; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
