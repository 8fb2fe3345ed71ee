"""Bounded, never waiting talk between our processes: one JSON object a line over a pipe.

Writing to a full pipe drops the line and counts it: whoever guards must not wait
for whoever listens. A line is at most PIPE_BUF bytes, so that it is written
whole or not at all (pipe(7)).
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

LINE_BYTES_MAX: Final = 4096
READ_BYTES_MAX: Final = 65536


class Outlet:
    """The writing end; `dropped` counts lines that found no room or nobody to read them."""

    __slots__ = ("dropped", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.dropped = 0
        os.set_blocking(fd, False)

    def send(self, message: dict[str, Any]) -> bool:
        """Send one object; False when it was dropped."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if len(line) > LINE_BYTES_MAX:
            self.dropped += 1
            return False
        try:
            os.write(self.fd, line)
        except (BlockingIOError, BrokenPipeError):
            self.dropped += 1
            return False
        return True

    def close(self) -> None:
        """Close the end; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


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
        self._rest = lines.pop()[-LINE_BYTES_MAX:]
        return [message for line in lines if (message := self._object(line)) is not None]

    def _object(self, line: bytes) -> dict[str, Any] | None:
        try:
            message = json.loads(line)
        except ValueError:
            self.malformed += 1
            return None
        return message if isinstance(message, dict) else None

    def close(self) -> None:
        """Close the end; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
