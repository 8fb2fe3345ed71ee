"""The store read-only: pictures of a moment, points of one target, and what happened.

It never writes and needs no more than permission to read: a closed file is opened `immutable`; one in WAL mode
through its shared memory file, which SQLite can read without writing as long as it is there; and without that as it
stands, which misses at most what the writer had not moved out of the WAL yet. Every query is short, because a long
one would keep the writer's WAL from being reused. What cannot be read is skipped and told in `notes`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Final

from forestall.model.errors import Absent, Malformed
from forestall.model.frame import Note
from forestall.model.target import Target
from forestall.store import series
from forestall.store.chunks import decode as decode_chunk
from forestall.store.events import Event, read, target_of
from forestall.store.files import is_sealed, listing
from forestall.store.frames import Coded, Picture, decode, picture
from forestall.store.schema import EPISODES, LONG, LONG_STEP_SECONDS, RECENT, VERSION, YEAR, YEAR_STEP_SECONDS, File
from forestall.store.series import METRICS, Choice, Point

EVENTS_MAX: Final = 10_000
POINTS_MAX: Final = 400_000
BUSY_SECONDS: Final = 1.0
LATE_SECONDS: Final = 3 * 86_400.0
"""An episodes file may hold what happened this long before its period: it is written where the writer stands."""

_CHUNK_SECONDS: Final = {LONG: 3600.0, YEAR: 86_400.0}
"""How long a chunk is: for points no closer than that its summary is enough."""

_CHUNKS_SQL: Final = (
    "SELECT begin_microseconds, low, high, last, points FROM chunks JOIN targets ON targets.id = chunks.target"
    " WHERE kind = ? AND identity = ? AND name = ? AND path = ? AND metric = ? ORDER BY begin_microseconds"
)

_Rows = list[tuple[object, ...]]


class Reader:
    """Reads the files below `directory`; holds none open between calls, so that it is never in the writer's way."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._notes: dict[str, Note] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        """What could not be read so far, each file once."""
        return tuple(self._notes.values())

    def span(self) -> tuple[float, float] | None:
        """Wall time of the oldest and newest frame that is kept; None for an empty store."""
        found = []
        for file in self._files(RECENT):
            rows = self._query(file, "SELECT min(wall_microseconds), max(wall_microseconds) FROM frames")
            found += [(low, high) for low, high in rows if isinstance(low, int) and isinstance(high, int)]
        if not found:
            return None
        return min(low for low, _ in found) / 1e6, max(high for _, high in found) / 1e6

    def picture(self, wall_seconds: float) -> Picture | None:
        """The newest frame at or before a moment, with its trends; None when there is none."""
        at = round(wall_seconds * 1e6)
        sql = (
            "SELECT picture FROM frames,"
            " (SELECT id AS last, key AS first FROM frames WHERE wall_microseconds <= ?"
            " ORDER BY wall_microseconds DESC, id DESC LIMIT 1)"
            " WHERE key = first AND id <= last ORDER BY id"
        )
        earlier = [file for file in self._files(RECENT, EPISODES) if self._begin(file) <= wall_seconds]
        found: list[Picture] = []
        for tier in (RECENT, EPISODES):
            for file in reversed([file for file in earlier if file.tier == tier]):
                coded = self._last(file, self._query(file, sql, at))
                if coded is not None:
                    found.append(picture(coded))
                    break
        return max(found, key=lambda one: one.frame.moment.wall_seconds, default=None)

    def targets(self, since_wall_seconds: float, until_wall_seconds: float) -> tuple[Target, ...]:
        """Every target that was seen in a span of wall time (or in the same day), by name."""
        plan = self._plan(since_wall_seconds, until_wall_seconds, LONG_STEP_SECONDS)
        seen = {target for file in plan if file.tier != RECENT for target in self.targets_of(file)}
        for coded in self._frames(plan, since_wall_seconds, until_wall_seconds, frozenset({"wall_seconds"})):
            seen.update(series.targets(coded))
        return tuple(sorted(seen, key=lambda target: (target.name, target.identity)))

    def points(
        self,
        choice: Choice,
        metrics: tuple[str, ...],
        since_wall_seconds: float,
        until_wall_seconds: float,
        step_seconds: float = 0.0,
    ) -> tuple[Target | None, dict[str, list[Point]]]:
        """The points of one target by metric, oldest first, and the target as it was seen last (None: never).

        Of the targets that `choice` takes, each moment gives the first, so a name's series joins its instances.
        Points need be no closer than `step_seconds`: a long span is read from a coarser tier, or from the summaries
        of its chunks.
        """
        plan = self._plan(since_wall_seconds, until_wall_seconds, step_seconds)
        found: dict[str, dict[float, Point]] = {name: {} for name in metrics}
        seen: Target | None = None
        for coded in self._frames(plan, since_wall_seconds, until_wall_seconds, series.columns(metrics)):
            target, numbers = series.chosen(coded, choice, metrics)
            seen = target or seen
            at = series.wall_seconds(coded)
            for name, number in numbers.items():
                found[name].setdefault(at, Point(at, number, number, number))
        for file in reversed([file for file in plan if file.tier != RECENT]):
            for target in filter(choice, self.targets_of(file)):
                for name in metrics:
                    for point in self._long_points(file, target, name, step_seconds):
                        if since_wall_seconds <= point.wall_seconds <= until_wall_seconds and not _finer(
                            plan, file, point
                        ):
                            seen = seen or target
                            found[name].setdefault(point.wall_seconds, point)
        return seen, {name: [points[at] for at in sorted(points)][-POINTS_MAX:] for name, points in found.items()}

    def frames_of(self, file: File, wanted: frozenset[str]) -> Iterator[Coded]:
        """All frames of one file in order, unpacked as far as the wanted columns."""
        return self._frames_of(file, file.begin_wall_seconds, file.end_wall_seconds, wanted)

    def keys_of(self, file: File, since_wall_seconds: float, until_wall_seconds: float) -> set[int]:
        """The groups of frames in a file that have a frame in a span, by the id of their key frame."""
        sql = "SELECT DISTINCT key FROM frames WHERE wall_microseconds BETWEEN ? AND ?"
        rows = self._query(file, sql, round(since_wall_seconds * 1e6), round(until_wall_seconds * 1e6))
        return {key for (key,) in rows if isinstance(key, int)}

    def group_of(self, file: File, key: int) -> list[tuple[object, ...]]:
        """All rows of one group of frames, as they are kept."""
        return self._query(file, "SELECT * FROM frames WHERE key = ? ORDER BY id", key)

    def sources(self, tier: str) -> frozenset[str]:
        """Names of the finer files that are in a tier already."""
        rows = [row for file in self._files(tier) for row in self._query(file, "SELECT name FROM sources")]
        return frozenset(str(name) for (name,) in rows)

    def targets_of(self, file: File) -> list[Target]:
        """The targets of a file of series."""
        rows = self._query(file, "SELECT kind, identity, name, path FROM targets ORDER BY id")
        return [Target(*map(str, row)) for row in rows]

    def chunks_of(self, file: File, target: Target, metric: str) -> Iterator[list[Point]]:
        """The chunks of one series in a file, in order of time."""
        for row in self._query(file, _CHUNKS_SQL, *target, metric):
            try:
                yield decode_chunk(row[-1] if isinstance(row[-1], bytes) else b"", METRICS[metric].steps)
            except Malformed as error:
                self._note(file, str(error))

    def events(self, since_wall_seconds: float, until_wall_seconds: float, kinds: Collection[str] = ()) -> list[Event]:
        """What happened in a span of wall time, oldest first; of these `kinds` (none: all)."""
        sql = (
            "SELECT kind, identity, wall_microseconds, boottime_microseconds, document FROM events"
            " WHERE wall_microseconds BETWEEN ? AND ? ORDER BY wall_microseconds LIMIT ?"
        )
        bounds = (round(since_wall_seconds * 1e6), round(until_wall_seconds * 1e6), EVENTS_MAX)
        found: dict[tuple[str, str], Event] = {}
        for file in self._files(EPISODES):
            if file.end_wall_seconds < since_wall_seconds or self._begin(file) > until_wall_seconds:
                continue
            for row in self._query(file, sql, *bounds):
                event = self._event(file, row)
                if event is not None and (not kinds or event.kind in kinds):
                    found[event.kind, event.identity] = event
        return sorted(found.values(), key=lambda event: event.wall_seconds)

    def _files(self, *tiers: str) -> list[File]:
        known = listing(self._directory)
        if not known and not os.path.isdir(self._directory):
            raise Absent(f"store in {self._directory}", "start `forestall agent`, or name its --state-dir")
        for file in known:
            if file.damaged:
                self._note(file, "damaged and set aside by the agent")
        return [file for file in known if file.tier in tiers and not file.damaged]

    def _begin(self, file: File) -> float:
        return file.begin_wall_seconds - (LATE_SECONDS if file.tier == EPISODES else 0.0)

    def _plan(self, since: float, until: float, step_seconds: float) -> list[File]:
        """The files to read for a span: of what is there in several tiers only the coarsest that is fine enough."""
        in_long, in_year = self.sources(LONG), self.sources(YEAR)
        chosen = []
        for file in self._files(RECENT, LONG, YEAR):
            if file.end_wall_seconds < since or file.begin_wall_seconds > until:
                continue
            if file.tier == RECENT and file.name in in_long and step_seconds >= LONG_STEP_SECONDS:
                continue
            if file.tier == LONG and file.name in in_year and step_seconds >= YEAR_STEP_SECONDS:
                continue
            chosen.append(file)
        return chosen

    def _long_points(self, file: File, target: Target, metric: str, step_seconds: float) -> Iterator[Point]:
        """One series of a file: every point, or one a chunk where that is close enough."""
        if step_seconds < _CHUNK_SECONDS[file.tier]:
            for points in self.chunks_of(file, target, metric):
                yield from points
            return
        for begin, low, high, last, _ in self._query(file, _CHUNKS_SQL, *target, metric):
            if isinstance(begin, int) and all(isinstance(value, float) for value in (low, high, last)):
                yield Point(begin / 1e6, low, high, last)  # type: ignore[arg-type]

    def _frames(self, plan: list[File], since: float, until: float, wanted: frozenset[str]) -> Iterator[Coded]:
        """The frames of a span in order, unpacked as far as the wanted columns."""
        for file in plan:
            if file.tier == RECENT:
                yield from self._frames_of(file, since, until, wanted)

    def _frames_of(self, file: File, since: float, until: float, wanted: frozenset[str]) -> Iterator[Coded]:
        for key in sorted(self.keys_of(file, since, until)):
            rows = self._query(file, "SELECT picture FROM frames WHERE key = ? ORDER BY id", key)
            for coded in self._group(file, rows, wanted):
                if since <= series.wall_seconds(coded) <= until:
                    yield coded

    def _group(self, file: File, rows: _Rows, wanted: frozenset[str] | None = None) -> Iterator[Coded]:
        coded: Coded | None = None
        for (raw,) in rows:
            try:
                coded = decode(raw if isinstance(raw, bytes) else b"", coded, wanted)
            except Malformed as error:
                self._note(file, str(error))
                return
            if coded.host.texts:
                yield coded

    def _last(self, file: File, rows: _Rows) -> Coded | None:
        last = None
        for coded in self._group(file, rows):
            last = coded
        return last

    def _event(self, file: File, row: tuple[object, ...]) -> Event | None:
        kind, identity, wall, boottime, document = row
        if not isinstance(wall, int) or not isinstance(boottime, int) or not isinstance(document, bytes):
            self._note(file, "an event of the wrong type")
            return None
        try:
            value = read(str(kind), document)
        except Malformed as error:
            self._note(file, str(error))
            return None
        return Event(str(kind), str(identity), wall / 1e6, boottime / 1e6, target_of(value), value)

    def _query(self, file: File, sql: str, *parameters: object) -> _Rows:
        """All rows of one short query; none, and a note, when the file cannot be read."""
        path = os.path.join(self._directory, file.name)
        try:
            sealed = is_sealed(self._directory, file.name)
        except FileNotFoundError:  # unlinked by retention since it was listed
            return []
        try:
            return self._rows(file, path, sql, parameters, immutable=sealed)
        except sqlite3.OperationalError:
            if sealed or not os.path.exists(path):
                return []
        except sqlite3.DatabaseError as error:
            self._note(file, str(error))
            return []
        try:
            return self._rows(file, path, sql, parameters, immutable=True)
        except sqlite3.DatabaseError as error:
            self._note(file, str(error))
            return []

    def _rows(self, file: File, path: str, sql: str, parameters: tuple[object, ...], *, immutable: bool) -> _Rows:
        escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        address = f"file:{escaped}?mode=ro" + ("&immutable=1" if immutable else "")
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                self._note(file, f"written by a newer forestall (version {version} of the store)")
                return []
            if version < VERSION:  # 0: the writer is about to make the tables
                return []
            return connection.execute(sql, parameters).fetchall()

    def _note(self, file: File, why: str) -> None:
        self._notes.setdefault(file.name, Note(f"store file {file.name}", why, "the rest of the store is read"))


def _finer(plan: list[File], file: File, point: Point) -> bool:
    """Whether a finer file of the plan tells of the same moment."""
    tiers = (RECENT,) if file.tier == LONG else (RECENT, LONG)
    return any(
        other.begin_wall_seconds <= point.wall_seconds < other.end_wall_seconds for other in plan if other.tier in tiers
    )
