"""The last ten minutes of the charts' targets: from the store once, then from each look, so that a page costs little.

Without an agent there is no store, and a chart grows from the first look of a viewer.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import Final, NamedTuple

from forestall.model.errors import Absent, ForestallError
from forestall.query.here import own_places
from forestall.query.now import Now
from forestall.query.views import ServiceRow
from forestall.ui.web.chart import Point

KEPT_SECONDS: Final = 600.0
SERIES_MAX: Final = 64
GAP_SECONDS: Final = 30.0
"""When nobody looked for so long, the store knows better than what is remembered here."""


class Sample(NamedTuple):
    """Use and limit of one target at one moment, wall seconds and bytes."""

    wall_seconds: float
    used_bytes: float
    limit_bytes: float | None


Read = Callable[[str, float, float], tuple[Sample, ...]]
"""Samples of an identity between two wall times, oldest first; Absent where there is no store."""


class Past:
    """Remembers what the charts show; at most SERIES_MAX targets, those asked for last."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self._series: dict[str, _Series] = {}

    def remember(self, now: Now) -> None:
        """Add a look to the series that are kept."""
        wall_seconds = now.frame.moment.wall_seconds
        for reading in now.frame.readings:
            series = self._series.get(reading.target.identity)
            if series is not None:
                series.append(Sample(wall_seconds, reading.used_bytes, reading.limit_bytes))

    def recent(self, row: ServiceRow, wall_seconds: float) -> tuple[Point, ...]:
        """The points of the last KEPT_SECONDS before a look taken at `wall_seconds`, that look included."""
        series = self._series.pop(row.identity, None)
        if series is None or wall_seconds - series.newest_seconds() > GAP_SECONDS:
            series = _Series()
            for sample in self._recorded(row.identity, wall_seconds):
                series.append(sample)
        series.append(Sample(wall_seconds, row.used_bytes, row.limit_bytes))
        self._series[row.identity] = series  # last in the dict: asked for last
        while len(self._series) > SERIES_MAX:
            self._series.pop(next(iter(self._series)))
        return series.points(wall_seconds)

    def _recorded(self, identity: str, wall_seconds: float) -> tuple[Sample, ...]:
        try:
            return self.read(identity, wall_seconds - KEPT_SECONDS, wall_seconds)
        except ForestallError:
            return ()  # no store, or none that may be read: the chart begins with this look

    def between(self, row: ServiceRow, seconds: float, wall_seconds: float) -> tuple[Point, ...]:
        """The points of any span before `wall_seconds`, out of the store; its errors are the caller's."""
        samples = self.read(row.identity, wall_seconds - seconds, wall_seconds)
        return tuple(Point(wall_seconds - at, used, limit) for at, used, limit in samples)


class _Series:
    """One target's samples in three arrays: objects would take ten times the memory."""

    def __init__(self) -> None:
        self.at = array("d")
        self.used = array("d")
        self.limit = array("d")

    def newest_seconds(self) -> float:
        return self.at[-1] if self.at else float("-inf")

    def append(self, sample: Sample) -> None:
        """Add a newer sample; the same or an older look again is nothing new."""
        if sample.wall_seconds <= self.newest_seconds():
            return
        self.at.append(sample.wall_seconds)
        self.used.append(sample.used_bytes)
        self.limit.append(sample.limit_bytes if sample.limit_bytes is not None else -1.0)
        old = bisect_left(self.at, sample.wall_seconds - KEPT_SECONDS)
        for column in (self.at, self.used, self.limit):
            del column[:old]

    def points(self, wall_seconds: float) -> tuple[Point, ...]:
        return tuple(
            Point(wall_seconds - at, used, limit if limit >= 0 else None)
            for at, used, limit in zip(self.at, self.used, self.limit, strict=True)
        )


def recorded(state_dir: str | None) -> Read:
    """The reader of the agent's store below `state_dir`, or the system's or user's own."""
    state = own_places(state_dir).state

    def read(identity: str, since_wall_seconds: float, until_wall_seconds: float) -> tuple[Sample, ...]:
        if not _has_store(state):
            raise Absent(f"store in {state}", "start forestall agent, or name its --state-dir")
        from forestall.query.history import history  # brings SQLite, which a page without a store never needs
        from forestall.query.times import Span

        found = history(state, identity, Span(since_wall_seconds, until_wall_seconds))
        limits = [(point.wall_seconds, point.last) for point in found.limits]
        used = [(point.wall_seconds, point.high) for point in found.points]
        return join(used, limits)

    return read


def join(used: list[tuple[float, float]], limits: list[tuple[float, float]]) -> tuple[Sample, ...]:
    """Each use with the limit that held then: the last one at or before it, else the first."""
    samples = []
    position = 0
    for wall_seconds, used_bytes in used:
        while position + 1 < len(limits) and limits[position + 1][0] <= wall_seconds:
            position += 1
        samples.append(Sample(wall_seconds, used_bytes, limits[position][1] if limits else None))
    return tuple(samples)


def _has_store(state: str) -> bool:
    try:
        return any(name.endswith(".db") for name in os.listdir(state))
    except OSError:
        return False
