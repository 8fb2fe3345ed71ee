"""Points of one series as compact bytes: differences from point to point, then zlib, which folds the runs of zeros.

    chunk = version, then zlib( count, then per point: time, last, last - low, high - last )

Times are whole milliseconds and values whole steps (`steps` per unit); `time` and `last` are zigzag differences from
the point before, all are varints. Reading raises nothing but Malformed.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from forestall.model.errors import Malformed
from forestall.store.columns import Cursor, write_number
from forestall.store.frames import unpack
from forestall.store.series import Point

VERSION: Final = 1
POINTS_MAX: Final = 100_000
CHUNK_BYTES_MAX: Final = 4 * 1024 * 1024
_MILLI: Final = 1000


def encode(points: Sequence[Point], steps: int) -> bytes:
    """Pack points in order of time; values are rounded to 1/`steps` of their unit."""
    out = bytearray()
    write_number(out, len(points))
    time_before = last_before = 0
    for point in points:
        time, low, high, last = (
            round(point.wall_seconds * _MILLI),
            *(round(value * steps) for value in (point.low, point.high, point.last)),
        )
        write_number(out, _zigzag(time - time_before))
        write_number(out, _zigzag(last - last_before))
        write_number(out, max(0, last - low))
        write_number(out, max(0, high - last))
        time_before, last_before = time, last
    return bytes((VERSION,)) + zlib.compress(out)


def decode(raw: bytes, steps: int) -> list[Point]:
    """Unpack what `encode` packed; raises Malformed for anything else."""
    if raw[:1] != bytes((VERSION,)):
        raise Malformed("chunk", "not a chunk of this version", raw)
    cursor = Cursor(unpack(raw[1:], CHUNK_BYTES_MAX))
    count = cursor.number()
    if count > POINTS_MAX:
        raise Malformed("chunk", f"{count} points")
    points = []
    time = last = 0
    for _ in range(count):
        time += _unzigzag(cursor.number())
        last += _unzigzag(cursor.number())
        low, high = last - cursor.number(), last + cursor.number()
        points.append(Point(time / _MILLI, low / steps, high / steps, last / steps))
    if cursor.rest():
        raise Malformed("chunk", "bytes left over")
    return points


def gather(points: Sequence[Point], step_seconds: float) -> list[Point]:
    """Points that lie in the same step of wall time as one, at the step's beginning, in order of time."""
    gathered: dict[float, Point] = {}
    for point in points:
        begin = point.wall_seconds // step_seconds * step_seconds
        known = gathered.get(begin, point)
        gathered[begin] = Point(begin, min(known.low, point.low), max(known.high, point.high), point.last)
    return [gathered[begin] for begin in sorted(gathered)]


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _unzigzag(number: int) -> int:
    return number >> 1 if not number & 1 else -((number + 1) >> 1)
