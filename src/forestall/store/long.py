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

FRAMES_PER_PIECE: Final = 10
SERIES_PER_PIECE: Final = 100

COARSER: Final[Mapping[str, str]] = {RECENT: LONG, LONG: YEAR}

_INSERT_TARGET: Final = "INSERT OR IGNORE INTO targets (kind, identity, name, path) VALUES (?, ?, ?, ?)"
_FIND_TARGET: Final = "SELECT id FROM targets WHERE kind = ? AND identity = ? AND name = ? AND path = ?"
_INSERT_CHUNK: Final = "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

Series = dict[Target, list[Point]]
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
        gathered: Series = {}
        pieces = _of_frames(directory, file, metric) if file.tier == RECENT else _of_chunks(directory, file, metric)
        for part in pieces:
            for target, points in part.items():
                gathered.setdefault(target, []).extend(points)
            yield
        for pairs in _batches(gathered):
            _write(directory, file, _chunk_writer(metric, pairs))
            yield
    _write(directory, file, lambda connection: _remember(connection, file.name))


def _of_frames(directory: str, file: File, metric: str) -> Iterator[Series]:
    """Each target's points of 10 s out of an hour of frames; what is yielded before the last is empty."""
    held: dict[Target, _Held] = {}
    for index, coded in enumerate(Reader(directory).frames_of(file, series.columns((metric,)))):
        at = series.wall_seconds(coded) // LONG_STEP_SECONDS * LONG_STEP_SECONDS
        for target, number in series.everyone(coded, metric):
            held.setdefault(target, _Held()).add(at, number)
        if index % FRAMES_PER_PIECE == 0:
            yield {}
    yield {target: points.points() for target, points in held.items()}


def _of_chunks(directory: str, file: File, metric: str) -> Iterator[Series]:
    """Each target's points of 5 min out of a day of chunks."""
    reader = Reader(directory)
    for index, target in enumerate(reader.targets_of(file)):
        points = [point for chunk in reader.chunks_of(file, target, metric) for point in chunk]
        yield {target: chunks.gather(points, YEAR_STEP_SECONDS)} if points else {}
        if index % SERIES_PER_PIECE == 0:
            yield {}


class _Held:
    """Points while they are gathered: arrays, because an hour of a busy host has half a million of them."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def add(self, at: float, number: float) -> None:
        held = self._numbers
        if held and held[-4] == at:
            held[-3], held[-2], held[-1] = min(held[-3], number), max(held[-2], number), number
        else:
            held.extend((at, number, number, number))

    def points(self) -> list[Point]:
        held = self._numbers
        found = [Point._make(held[place : place + 4]) for place in range(0, len(held), 4)]
        return chunks.gather(found, LONG_STEP_SECONDS)  # a wall clock that went back gives a step twice


def _batches(gathered: Series) -> Iterator[list[tuple[Target, list[Point]]]]:
    pairs = [(target, points) for target, points in gathered.items() if points]
    for first in range(0, len(pairs), SERIES_PER_PIECE):
        yield pairs[first : first + SERIES_PER_PIECE]


def _chunk_writer(metric: str, pairs: list[tuple[Target, list[Point]]]) -> Write:
    def write(connection: sqlite3.Connection) -> None:
        for target, points in pairs:
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


def _write(directory: str, file: File, work: Write) -> None:
    """One transaction on the coarser file of the period; open no longer than that, so it is never left in WAL mode."""
    coarser = files.next_to_write(directory, COARSER[file.tier], file.begin_wall_seconds)
    connection = files.open_to_write(directory, coarser)
    try:
        with files.transaction(connection):
            work(connection)
    finally:
        files.close_cleanly(connection)


def _shown(target: Target) -> tuple[str, ...]:
    return tuple(map(files.storable, target))
