"""The store's one writer: takes frames and events, keeps them in files by tier and period, forgets by unlinking.

Every append is committed, so `kill -9` loses nothing; every ten seconds the WAL is moved into its file, so a power
cut loses no more than that. When the disk is full or read-only a call raises once with what would help; the next
one tries again with a key frame, and events that could not be written wait, bounded, until they can.

A SQLite connection must not cross a fork: the store opens its files at the first write, not when it is made.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple, Protocol

from forestall.model.action import Notice, Outcome
from forestall.model.capture import Capture
from forestall.model.errors import Absent, Denied
from forestall.model.finding import Finding
from forestall.model.frame import Frame, Moment, Note
from forestall.model.kill import Kill
from forestall.model.trend import Trend
from forestall.store import episodes, events, files, long
from forestall.store.frames import Coded, code, encode
from forestall.store.retention import Retention, expired
from forestall.store.schema import EPISODES, LONG, RECENT, YEAR, File

FRAMES_PER_KEY: Final = 60
"""Frames in a group: a picture decodes at most this many; a key frame costs some twenty times another."""

SYNC_SECONDS: Final = 10.0
EVENTS_WAITING_MAX: Final = 1000
EVENTS_WAITING_BYTES_MAX: Final = 16 * 1024 * 1024
PIECES_AT_ONCE: Final = 3
"""Of making coarser tiers, per call of `maintain`: some 0.1 s, because a silent recorder is replaced."""

_SEALED_AFTER_SECONDS: Final = {RECENT: 0.0, EPISODES: 0.0, LONG: 2 * 3600.0, YEAR: 26 * 3600.0}
"""How long after its period a file is closed for good: coarser tiers are made when finer ones are finished."""

NOTES_MAX: Final = 100

_INSERT_FRAME: Final = "INSERT OR IGNORE INTO frames VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_EVENT: Final = (
    "INSERT OR IGNORE INTO events (kind, identity, wall_microseconds, boottime_microseconds,"
    " target_kind, target_identity, target_name, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class Judged(Protocol):
    """What a tick made of a frame (engine.tick.Ticked); the store keeps its trends."""

    @property
    def trends(self) -> Mapping[str, Trend]:
        """The trend of each target by identity."""


class _Open(NamedTuple):
    file: File
    connection: sqlite3.Connection


class _Row(NamedTuple):
    """One row of the events table."""

    kind: str
    identity: str
    wall_microseconds: int
    boottime_microseconds: int
    target_kind: str
    target_identity: str
    target_name: str
    document: bytes


class _Chain(NamedTuple):
    """The frames written since the last key frame: the next one is its difference from `before`."""

    key: int
    frames: int
    boot: str
    before: Coded


class Store:
    """Writes below `directory`; one thread of one process at a time. Raises Denied or Absent when it cannot write."""

    def __init__(self, directory: str, retention: Retention | None = None) -> None:
        self._directory = directory
        self._retention = retention or Retention()
        self._open: dict[str, _Open] = {}
        self._chain: _Chain | None = None
        self._waiting: deque[_Row] = deque()
        self._notes: deque[Note] = deque(maxlen=NOTES_MAX)
        self._synced_boottime_seconds = 0.0
        self._compaction: tuple[File, Iterator[None]] | None = None
        self._may_be_pending = True

    def append(self, frame: Frame, ticked: Judged) -> None:
        """Keep a frame and the trends of its tick."""
        coded = code(frame, ticked.trends)
        moment = frame.moment
        self._write(RECENT, moment.wall_seconds, lambda connection: self._insert_frame(connection, moment, coded))
        self._sync(moment)
        self._flush()

    def finding(self, finding: Finding, moment: Moment) -> None:
        """Keep a finding made at `moment`; one that holds on is kept once."""
        self._keep(events.of_finding(finding, moment))

    def outcome(self, outcome: Outcome, moment: Moment) -> None:
        """Keep an outcome; `moment` is any of the same boot and gives it its wall time."""
        self._keep(events.of_outcome(outcome, moment))

    def capture(self, capture: Capture) -> None:
        """Keep a capture whole."""
        self._keep(events.of_capture(capture))

    def kill(self, kill: Kill) -> None:
        """Keep a kill by the kernel."""
        self._keep(events.of_kill(kill))

    def notice(self, notice: Notice) -> None:
        """Keep what people were told."""
        self._keep(events.of_notice(notice))

    def maintain(self, moment: Moment) -> tuple[Note, ...]:
        """Close files whose period is over, forget what is too old or too much; returns what went wrong since.

        Does a bounded piece of work; call it about once a second to once a minute.
        """
        self._flush()
        try:
            for file in expired(self._directory, self._retention, moment.wall_seconds):
                self._forget(file, moment.wall_seconds)
            for file in files.listing(self._directory):
                self._seal_when_over(file, moment.wall_seconds)
            self._compact()
        except (OSError, sqlite3.Error) as error:
            raise files.failure(self._directory, error) from None
        notes = tuple(self._notes)
        self._notes.clear()
        return notes

    def bytes_used(self) -> int:
        """What the store takes on the disk."""
        return files.bytes_of_all(self._directory)

    def close(self) -> None:
        """Write what waits and leave every file readable without the writer; raises as the other calls do."""
        try:
            self._flush()
        finally:
            for tier in list(self._open):
                with suppress(sqlite3.Error):
                    files.close_cleanly(self._open.pop(tier).connection)
            self._chain = None

    def _insert_frame(self, connection: sqlite3.Connection, moment: Moment, coded: Coded) -> None:
        chain = self._chain
        if chain is not None and (chain.frames >= FRAMES_PER_KEY or chain.boot != moment.boot_id):
            chain = None
        blob = encode(coded, chain.before if chain else None)
        wall, boottime = round(moment.wall_seconds * 1e6), round(moment.boottime_seconds * 1e6)
        with files.transaction(connection):
            (row,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM frames").fetchone()
            key = chain.key if chain else row
            cursor = connection.execute(_INSERT_FRAME, (row, key, wall, boottime, files.storable(moment.boot_id), blob))
        if cursor.rowcount:
            self._chain = _Chain(key, (chain.frames if chain else 0) + 1, moment.boot_id, coded)

    def _keep(self, event: events.Event) -> None:
        self._waiting.append(_row(event))
        while self._waits_too_much():
            lost = self._waiting.popleft()
            self._note(f"{lost.kind} of {lost.target_name}", "the store could not be written for too long", "")
        self._flush()

    def _waits_too_much(self) -> bool:
        bytes_waiting = sum(len(row.document) for row in self._waiting)
        return len(self._waiting) > EVENTS_WAITING_MAX or bytes_waiting > EVENTS_WAITING_BYTES_MAX

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows = list(self._waiting)
        wall_seconds = rows[-1].wall_microseconds / 1e6
        self._write(EPISODES, wall_seconds, lambda connection: _insert_events(connection, rows))
        self._waiting.clear()

    def _write(self, tier: str, wall_seconds: float, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do `work` on the open file of a tier; a damaged one is set aside and the work done on a new one."""
        for attempt in (1, 2):
            try:
                work(self._connection(tier, wall_seconds))
            except (sqlite3.Error, OSError) as error:
                name = self._drop(tier) or files.newest(self._directory, tier, wall_seconds)
                if attempt == 1 and files.is_damage(error):
                    self._set_aside(name, error)
                    continue
                raise files.failure(self._directory, error) from None
            return

    def _connection(self, tier: str, wall_seconds: float) -> sqlite3.Connection:
        opened = self._open.get(tier)
        if opened is not None and _covers(opened.file, wall_seconds, tier):
            return opened.connection
        if opened is not None:
            self._drop(tier)
        files.make_directory(self._directory)
        file = files.next_to_write(self._directory, tier, wall_seconds)
        connection = files.open_to_write(self._directory, file)
        self._open[tier] = _Open(file, connection)
        return connection

    def _drop(self, tier: str) -> str | None:
        """Close a tier's file as it is and name it; the next write opens afresh and begins with a key frame."""
        opened = self._open.pop(tier, None)
        if opened is not None:
            with suppress(sqlite3.Error):
                opened.connection.close()
        if tier == RECENT:
            self._chain = None
        return opened.file.name if opened else None

    def _sync(self, moment: Moment) -> None:
        since = moment.boottime_seconds - self._synced_boottime_seconds
        if 0 <= since < SYNC_SECONDS:
            return
        self._synced_boottime_seconds = moment.boottime_seconds
        for tier, opened in list(self._open.items()):
            try:
                opened.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as error:
                self._drop(tier)
                raise files.failure(self._directory, error) from None

    def _forget(self, file: File, wall_seconds: float) -> None:
        """Unlink a file, after keeping those of its frames that belong to an episode if there is room for them."""
        if file.tier == RECENT and not file.damaged:
            with suppress(Denied, Absent):
                for rows in episodes.groups_around(self._directory, file):
                    self._write(EPISODES, wall_seconds, partial(episodes.copy, rows=rows))
        files.remove(self._directory, file.name)

    def _compact(self) -> None:
        """Do a few pieces of making coarser tiers; what fails is done again from its beginning."""
        if self._compaction is None:
            finished = long.pending(self._directory) if self._may_be_pending else None
            if finished is None:
                self._may_be_pending = False
                return
            self._compaction = finished, long.compact(self._directory, finished)
        file, pieces = self._compaction
        try:
            for _ in range(PIECES_AT_ONCE):
                next(pieces)
        except StopIteration:
            self._compaction = None
        except sqlite3.Error as error:
            self._compaction = None
            if not files.is_damage(error):
                raise
            coarser = long.COARSER[file.tier]
            self._set_aside(files.newest(self._directory, coarser, file.begin_wall_seconds), error)

    def _seal_when_over(self, file: File, wall_seconds: float) -> None:
        opened = self._open.get(file.tier)
        if file.damaged or wall_seconds < file.end_wall_seconds + _SEALED_AFTER_SECONDS[file.tier]:
            return
        if opened is not None and opened.file.name == file.name:
            self._drop(file.tier)
        try:
            if not files.is_sealed(self._directory, file.name):
                self._may_be_pending |= files.seal(self._directory, file.name)
        except sqlite3.Error as error:
            if not files.is_damage(error):
                raise
            self._set_aside(file.name, error)

    def _set_aside(self, name: str | None, error: Exception) -> None:
        if name is None:
            return
        kept = files.set_aside(self._directory, name)
        self._note(f"store file {name}", str(error), f"it was set aside as {kept}")

    def _note(self, what: str, why: str, remedy: str) -> None:
        self._notes.append(Note(what, why, remedy))


def _covers(file: File, wall_seconds: float, tier: str) -> bool:
    """Whether a moment belongs into an open file; an event of yesterday still goes into today's."""
    if tier == EPISODES and wall_seconds < file.begin_wall_seconds:
        return True
    return file.begin_wall_seconds <= wall_seconds < file.end_wall_seconds


def _insert_events(connection: sqlite3.Connection, rows: list[_Row]) -> None:
    with files.transaction(connection):
        connection.executemany(_INSERT_EVENT, rows)


def _row(event: events.Event) -> _Row:
    return _Row(
        event.kind,
        files.storable(event.identity),
        round(event.wall_seconds * 1e6),
        round(event.boottime_seconds * 1e6),
        event.target.kind,
        files.storable(event.target.identity),
        files.storable(event.target.name),
        events.pack(event.value),
    )
