"""Evidence kept of a target: named pieces of text or JSON with when and why they were taken."""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.target import Target

MINIMAL_BYTES_MAX: Final = 64 * 1024
"""Cap of the capture that the guard itself keeps before an irreversible act."""


class Piece(NamedTuple):
    """One part of a capture: its name (`memory.stat`, `top`, `smaps_rollup 812`) and its text."""

    name: str
    text: str


class Capture(NamedTuple):
    """What was kept of one target at one moment. `value_bytes` is its use then; `minimal` = taken by the guard."""

    id: str
    target: Target
    at_boottime_seconds: float
    at_wall_seconds: float
    why: str
    value_bytes: int
    minimal: bool
    pieces: tuple[Piece, ...]
