"""Makes coarser tiers out of finished files of the next finer one: an hour of frames, a day of series.

In small pieces, so that the recorder is never away for long, and metric by metric, so that one hour of one metric is
all that is held in memory. What was made of a file is remembered in the coarser file (`sources`); a piece that was
interrupted is made again from the beginning, and replaces what is there.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from forestall.model.target import Target
from forestall.store import chunks, files, series
from forestall.store.reader import Reader
from forestall.store.schema import LONG, LONG_STEP_SECONDS, RECENT, YEAR, YEAR_STEP_SECONDS, File
from forestall.store.series import LONG_METRICS, METRICS, Point

ROWS_PER_PIECE: Final = 5000
"""Rows of frames looked at in one piece of work: some 20 ms."""

SERIES_PER_PIECE: Final = 50

COARSER: Final[Mapping[str, str]] = {RECENT: LONG, LONG: YEAR}

_INSERT_TARGET: Final = "INSERT OR IGNORE INTO targets (kind, identity, name, path) VALUES (?, ?, ?, ?)"
_FIND_TARGET: Final = "SELECT id FROM targets WHERE kind = ? AND identity = ? AND name = ? AND path = ?"
_INSERT_CHUNK: Final = "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

Series = tuple[Target, list[Point]]
Write = Callable[[sqlite3.Connection], None]


def pending(directory: str) -> File | None:
    """The oldest finished file of which no coarser one has been made yet; None when all is done."""
    present = files.listing(directory)
    if not present:
        return None
    reader = Reader(directory)
    known = {tier: reader.sources(tier) for tier in COARSER.values()}
    for file in present:
        coarser = COARSER.get(file.tier)
        if coarser is None or file.damaged or file.name in known[coarser]:
            continue
        with suppress(FileNotFoundError):
            if files.is_sealed(directory, file.name):
                return file
    return None


def compact(directory: str, file: File) -> Iterator[None]:
    """Make the coarser chunks of one sealed file, a piece at each step; raises sqlite3.Error or OSError."""
    for metric in LONG_METRICS:
        batch: list[Series] = []
        for found in (
            _of_frames(directory, file, metric) if file.tier == RECENT else _of_chunks(directory, file, metric)
        ):
            if found is not None:
                batch.append(found)
            if found is None or len(batch) >= SERIES_PER_PIECE:
                _write(directory, file, _chunk_writer(metric, batch))
                batch = []
                yield
        _write(directory, file, _chunk_writer(metric, batch))
        yield
    _write(directory, file, lambda connection: _remember(connection, file.name))


def _of_frames(directory: str, file: File, metric: str) -> Iterator[Series | None]:
    """Each target's points of 10 s out of an hour of frames; None after each piece of work."""
    held: dict[Target, _Held] = {}
    rows = 0
    for coded in Reader(directory).frames_of(file, series.columns((metric,))):
        at = series.wall_seconds(coded) // LONG_STEP_SECONDS * LONG_STEP_SECONDS
        for target, number in series.everyone(coded, metric):
            held.setdefault(target, _Held()).add(at, number)
            rows += 1
        if rows > ROWS_PER_PIECE:
            rows = 0
            yield None
    for target, points in held.items():
        yield target, points.points()


def _of_chunks(directory: str, file: File, metric: str) -> Iterator[Series | None]:
    """Each target's points of 5 min out of a day of chunks."""
    reader = Reader(directory)
    for target in reader.targets_of(file):
        points = [point for chunk in reader.chunks_of(file, target, metric) for point in chunk]
        if points:
            yield target, chunks.gather(points, YEAR_STEP_SECONDS)
        yield None


class _Held:
    """Points while they are gathered, as pairs of time and last value: objects would take ten times the memory.

    The extremes are held only of those steps that have more than one value.
    """

    def __init__(self) -> None:
        self._numbers = array("d")
        self._extremes: dict[float, tuple[float, float]] = {}

    def add(self, at: float, number: float) -> None:
        held = self._numbers
        if not held or held[-2] != at:
            held.extend((at, number))
            return
        low, high = self._extremes.get(at, (held[-1], held[-1]))
        self._extremes[at] = min(low, number), max(high, number)
        held[-1] = number

    def points(self) -> list[Point]:
        pairs = zip(self._numbers[::2], self._numbers[1::2], strict=True)
        found = [Point(at, *self._extremes.get(at, (last, last)), last) for at, last in pairs]
        return chunks.gather(found, LONG_STEP_SECONDS)  # a wall clock that went back gives a step twice


def _chunk_writer(metric: str, batch: list[Series]) -> Write | None:
    if not batch:
        return None

    def write(connection: sqlite3.Connection) -> None:
        for target, points in batch:
            connection.execute(_INSERT_TARGET, _shown(target))
            (row,) = connection.execute(_FIND_TARGET, _shown(target)).fetchone()
            connection.execute(_INSERT_CHUNK, (row, metric, *_summary(points), chunks.encode(points, _steps(metric))))

    return write


def _summary(points: list[Point]) -> tuple[int, int, float, float, float, int, float]:
    begin, end = (round(point.wall_seconds * 1e6) for point in (points[0], points[-1]))
    low, high = min(point.low for point in points), max(point.high for point in points)
    return begin, end, low, high, sum(point.last for point in points), len(points), points[-1].last


def _steps(metric: str) -> int:
    return METRICS[metric].steps


def _remember(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT OR IGNORE INTO sources VALUES (?)", (name,))


def _write(directory: str, file: File, work: Write | None) -> None:
    """One transaction on the coarser file of the period; open no longer than that, so it is never left in WAL mode."""
    if work is None:
        return
    coarser = files.next_to_write(directory, COARSER[file.tier], file.begin_wall_seconds)
    connection = files.open_to_write(directory, coarser)
    try:
        with files.transaction(connection):
            work(connection)
    finally:
        files.close_cleanly(connection)


def _shown(target: Target) -> tuple[str, ...]:
    return tuple(map(files.storable, target))
