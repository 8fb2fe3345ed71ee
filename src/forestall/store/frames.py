"""A frame with its trends as compact bytes and back: a key frame stands alone, the others say what has changed.

Sizes and counters are kept exactly. Other numbers are kept at the resolution of
their source, or finer (see `SCALES`): PSI shares are printed with four digits
(Documentation/accounting/psi.rst), load averages with two, times are kept to the
microsecond; a trend, being an estimate, to a byte per second, a millisecond and a
thousandth. A number that is not finite is kept as the largest that fits, not-a-number
as 0. The checksum is zlib's.

    frame = version 'K' | 'D', then zlib( host table, readings table, trends table, JSON of kills and notes )
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from forestall.model.errors import Malformed
from forestall.model.frame import Frame, Host, Moment, Note, Pressure, Reading
from forestall.model.kill import Kill
from forestall.model.plain import plain, value
from forestall.model.target import Target
from forestall.model.trend import Trend
from forestall.store.columns import CELL_MAX, ROWS_MAX, Cell, Cursor, Shape, Table, read_table, write_table

VERSION: Final = 1
FRAME_BYTES_MAX: Final = 32 * 1024 * 1024
"""Bound of one frame unpacked: 60,000 rows of 40 cells fit; a hostile file cannot ask for more."""

WHOLE_MAX: Final = 2**61 - 1
"""Largest count that is kept; a limit less use and headroom still fits a cell then."""

_SOURCE: Final = "frame"
_KEY: Final = ord("K")
_DELTA: Final = ord("D")
_ZLIB_LEVEL: Final = 6

_MICRO: Final = 1_000_000
_PRESSURE: Final = tuple(f"pressure.{name}" for name in Pressure._fields)

SCALES: Final[Mapping[str, int]] = {
    "boottime_seconds": _MICRO,
    "wall_seconds": _MICRO,
    "load_1m": 100,
    "load_5m": 100,
    "load_15m": 100,
    "cpu_seconds": _MICRO,
    "start_seconds": _MICRO,
    "growth_bytes_per_second": 1,
    "time_to_limit_seconds": 1000,
    "time_to_limit_seconds_low": 1000,
    "time_to_limit_seconds_high": 1000,
    "confidence_ratio": 1000,
    "lasted_seconds": 1000,
    "scale_seconds": 1000,
    **{name: _MICRO if name.endswith("_total") else 10_000 for name in _PRESSURE},
}
"""Steps per unit of every number that is not whole by nature."""

_FLOATS: Final = frozenset(SCALES)
_OPTIONAL: Final = frozenset(
    (
        *_PRESSURE,
        *("oom_kills", "own_limit_bytes", "anon_bytes", "file_bytes", "shmem_bytes", "kernel_bytes", "sock_bytes"),
        *("peak_bytes", "near_misses", "kills", "cpu_seconds", "pids", "start_seconds"),
        *("time_to_limit_seconds", "time_to_limit_seconds_low", "time_to_limit_seconds_high"),
    )
)
_MOMENT_NUMBERS: Final = ("boottime_seconds", "wall_seconds")
_HOST_NUMBERS: Final = tuple(name for name in Host._fields if name != "pressure")
_READING_TEXTS: Final = frozenset({"target", "limit_level", "pressure"})
_READING_NUMBERS: Final = tuple(name for name in Reading._fields if name not in _READING_TEXTS)
_TREND_NUMBERS: Final = tuple(name for name in Trend._fields if name != "shape")

HOST_SHAPE: Final = Shape(1, (*_MOMENT_NUMBERS, *_HOST_NUMBERS, *_PRESSURE))
READING_SHAPE: Final = Shape(5, (*_READING_NUMBERS, *_PRESSURE))
TREND_SHAPE: Final = Shape(2, _TREND_NUMBERS)


class Picture(NamedTuple):
    """What was known at one moment: the frame, and the trend of each target by identity."""

    frame: Frame
    trends: dict[str, Trend]


class Coded(NamedTuple):
    """A picture as tables of whole numbers: the form in which pictures are compared and packed."""

    host: Table
    readings: Table
    trends: Table
    rest: bytes


class _Rest(NamedTuple):
    kills: tuple[Kill, ...] = ()
    notes: tuple[Note, ...] = ()


def code(frame: Frame, trends: Mapping[str, Trend]) -> Coded:
    """Turn a frame and its trends into tables."""
    moment, host = frame.moment, frame.host
    host_columns = _columns((moment[:2],), _MOMENT_NUMBERS) | _columns((host,), Host._fields)
    readings = frame.readings[:ROWS_MAX]
    reading_columns = _columns(readings, Reading._fields)
    _predict_limits(reading_columns)
    texts = tuple((*reading.target, reading.limit_level) for reading in readings)
    rest = _Rest(frame.kills, frame.notes)
    kept = dict(list(trends.items())[:ROWS_MAX])
    return Coded(
        Table(((moment.boot_id,),), host_columns),
        Table(texts, reading_columns),
        Table(
            tuple((identity, trend.shape) for identity, trend in kept.items()),
            _columns(tuple(kept.values()), Trend._fields),
        ),
        json.dumps(plain(rest), separators=(",", ":")).encode() if any(rest) else b"",
    )


def encode(now: Coded, before: Coded | None) -> bytes:
    """Pack `now` as its difference from `before`; None makes a key frame."""
    out = bytearray()
    write_table(out, now.host, before.host if before else None, HOST_SHAPE)
    write_table(out, now.readings, before.readings if before else None, READING_SHAPE)
    write_table(out, now.trends, before.trends if before else None, TREND_SHAPE)
    out += now.rest
    return bytes((VERSION, _DELTA if before else _KEY)) + zlib.compress(out, _ZLIB_LEVEL)


def decode(raw: bytes, before: Coded | None, wanted: Collection[str] | None = None) -> Coded:
    """Unpack a frame given the one before it in its group; of the columns only the `wanted` ones (None: all).

    Raises Malformed for bytes that `encode` has not written, or that follow another frame than `before`.
    """
    if len(raw) < 2 or raw[0] != VERSION or raw[1] not in (_KEY, _DELTA):
        raise Malformed(_SOURCE, "not a frame of this version", raw)
    if raw[1] == _DELTA and before is None:
        raise Malformed(_SOURCE, "the frame before it is missing")
    if raw[1] == _KEY:
        before = None
    cursor = Cursor(unpack(raw[2:], FRAME_BYTES_MAX))
    host = read_table(cursor, before.host if before else None, HOST_SHAPE, wanted)
    readings = read_table(cursor, before.readings if before else None, READING_SHAPE, wanted)
    trends = read_table(cursor, before.trends if before else None, TREND_SHAPE, wanted)
    return Coded(host, readings, trends, cursor.rest())


def picture(coded: Coded) -> Picture:
    """Turn tables with all their columns back into values; raises Malformed when a number is missing."""
    if len(coded.host.texts) != 1:
        raise Malformed(_SOURCE, "no host")
    host = _values(coded.host.columns, HOST_SHAPE.columns)
    limited = dict(coded.readings.columns)
    _unpredict_limits(limited)
    readings = _values(limited, READING_SHAPE.columns)
    trends = _values(coded.trends.columns, TREND_SHAPE.columns)
    rest = _read_rest(coded.rest)
    frame = Frame(
        Moment(host["boottime_seconds"][0], host["wall_seconds"][0], coded.host.texts[0][0]),  # type: ignore[arg-type]
        Host._make([*(host[name][0] for name in _HOST_NUMBERS), _pressures(host, 1)[0]]),
        _readings(coded.readings.texts, readings),
        rest.kills,
        rest.notes,
    )
    return Picture(frame, _trends(coded.trends.texts, trends))


def unpack(raw: bytes, bytes_max: int) -> bytes:
    """Undo zlib without ever making more than `bytes_max`; raises Malformed for anything else."""
    opened = zlib.decompressobj()
    try:
        unpacked = opened.decompress(raw, bytes_max)
    except zlib.error as error:
        raise Malformed(_SOURCE, str(error), raw) from None
    if not opened.eof or opened.unused_data:
        raise Malformed(_SOURCE, "cut short, too large, or with bytes left over", raw)
    return unpacked


def scaled(name: str, cell: Cell) -> float | None:
    """The number that a cell of column `name` stands for, in SI units."""
    return None if cell is None else cell / SCALES.get(name, 1)


def _columns(rows: Sequence[tuple[object, ...]], names: Sequence[str]) -> dict[str, list[Cell]]:
    """Turn rows into columns of whole numbers; texts are left out, pressure becomes one column per number."""
    by_name = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    columns = {
        name: _whole(cells, SCALES.get(name))
        for name, cells in by_name.items()
        if name not in _READING_TEXTS and name != "shape"
    }
    if "pressure" in by_name:
        lost = (None,) * len(Pressure._fields)
        pressures = [lost if pressure is None else pressure for pressure in by_name["pressure"]]
        columns |= _columns(pressures, _PRESSURE)
    return columns


def _whole(cells: Iterable[object], scale: int | None) -> list[Cell]:
    if scale is None:
        return [None if cell is None else max(-WHOLE_MAX, min(WHOLE_MAX, int(cell))) for cell in cells]  # type: ignore[call-overload]
    return [None if cell is None else _steps(cell, scale) for cell in cells]  # type: ignore[arg-type]


def _steps(number: float, scale: int) -> int:
    if math.isnan(number):
        return 0
    if abs(number) >= CELL_MAX / scale:
        return CELL_MAX if number > 0 else -CELL_MAX
    return round(number * scale)


def _predict_limits(columns: dict[str, list[Cell]]) -> None:
    """Keep of each limit only what used + headroom does not say: by its definition nothing."""
    columns["limit_bytes"] = _plus_use_and_headroom(columns, -1)


def _unpredict_limits(columns: dict[str, list[Cell]]) -> None:
    columns["limit_bytes"] = _plus_use_and_headroom(columns, 1)


def _plus_use_and_headroom(columns: dict[str, list[Cell]], sign: int) -> list[Cell]:
    rows = zip(columns["limit_bytes"], columns["used_bytes"], columns["headroom_bytes"], strict=True)
    return [(limit or 0) + sign * ((used or 0) + (headroom or 0)) for limit, used, headroom in rows]


def _values(columns: Mapping[str, list[Cell]], names: Sequence[str]) -> dict[str, list[float | int | None]]:
    values: dict[str, list[float | int | None]] = {}
    for name in names:
        column = columns[name]
        if name not in _OPTIONAL and None in column:
            raise Malformed(_SOURCE, f"a row without {name}")
        values[name] = [scaled(name, cell) for cell in column] if name in _FLOATS else list(column)
    return values


def _pressures(values: Mapping[str, Sequence[float | int | None]], rows: int) -> list[Pressure | None]:
    if not rows:
        return []
    pressures: list[Pressure | None] = []
    for row in zip(*(values[name] for name in _PRESSURE), strict=True):
        if None not in row:
            pressures.append(Pressure._make(row))
        elif any(number is not None for number in row):
            raise Malformed(_SOURCE, "half a pressure")
        else:
            pressures.append(None)
    return pressures


def _readings(
    texts: Sequence[tuple[str, ...]], values: Mapping[str, Sequence[float | int | None]]
) -> tuple[Reading, ...]:
    pressures = _pressures(values, len(texts))
    readings = []
    for row, (kind, identity, name, path, level) in enumerate(texts):
        fields: dict[str, object] = {column: values[column][row] for column in _READING_NUMBERS}
        fields["limit_own"] = bool(fields["limit_own"])
        fields |= {"target": Target(kind, identity, name, path), "limit_level": level, "pressure": pressures[row]}
        readings.append(Reading._make(fields[name] for name in Reading._fields))
    return tuple(readings)


def _trends(texts: Sequence[tuple[str, ...]], values: Mapping[str, Sequence[float | int | None]]) -> dict[str, Trend]:
    return {
        identity: Trend(shape=shape, **{name: values[name][row] for name in _TREND_NUMBERS})  # type: ignore[arg-type]
        for row, (identity, shape) in enumerate(texts)
    }


def _read_rest(raw: bytes) -> _Rest:
    if not raw:
        return _Rest()
    try:
        written = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Malformed(_SOURCE, f"kills and notes: {error}", raw) from None
    return value(_Rest, written)
