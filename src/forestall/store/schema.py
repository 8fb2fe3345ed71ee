"""The store's files: their names, their tables, their version.

One SQLite file per tier and period, named after both, so that retention is
unlinking and a reader finds a time by listing the directory:

    recent-YYYYMMDDTHH.db    an hour of frames, as they were seen
    long-YYYYMMDD.db         a day of series, a point every 10 s
    year-YYYYMM.db           a month of series, a point every 5 minutes
    episodes-YYYYMMDD.db     a day of findings, outcomes, captures, kills and notices, and the raw frames around them

Times in names are UTC. A second file of the same period (after the first was
closed or set aside) has `.2`, `.3` ... before `.db`; a damaged one ends in
`.damaged`. `user_version` is the version of the tables: a reader keeps a way to
read every version there ever was, a writer never rewrites an old file in place.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

VERSION: Final = 1
APPLICATION_ID: Final = 0x666F7265
"""Says in the file's head (SQLite `application_id`) whose it is: "fore"."""

RECENT: Final = "recent"
LONG: Final = "long"
YEAR: Final = "year"
EPISODES: Final = "episodes"
TIERS: Final = (RECENT, LONG, YEAR, EPISODES)

LONG_STEP_SECONDS: Final = 10.0
YEAR_STEP_SECONDS: Final = 300.0

_FORMATS: Final = {RECENT: "%Y%m%dT%H", LONG: "%Y%m%d", YEAR: "%Y%m", EPISODES: "%Y%m%d"}
_NAME: Final = re.compile(r"(recent|long|year|episodes)-(\d{6,8}(?:T\d\d)?)(?:\.(\d{1,6}))?\.db(\.damaged)?")

_FRAMES: Final = """
CREATE TABLE IF NOT EXISTS frames (
    id INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,               -- id of the key frame of its group; its own for a key frame
    wall_microseconds INTEGER NOT NULL, -- since the epoch
    boottime_microseconds INTEGER NOT NULL,
    boot TEXT NOT NULL,
    picture BLOB NOT NULL,              -- store/frames.py
    UNIQUE (boot, boottime_microseconds)
);
CREATE INDEX IF NOT EXISTS frames_by_wall ON frames (wall_microseconds);
"""

_EVENTS: Final = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                 -- finding outcome capture kill notice
    identity TEXT NOT NULL,             -- what makes it the same event when it is told twice
    wall_microseconds INTEGER NOT NULL,
    boottime_microseconds INTEGER NOT NULL,
    target_kind TEXT NOT NULL,
    target_identity TEXT NOT NULL,
    target_name TEXT NOT NULL,
    document BLOB NOT NULL,             -- zlib of JSON (store/events.py)
    UNIQUE (kind, identity)
);
CREATE INDEX IF NOT EXISTS events_by_wall ON events (wall_microseconds);
"""

_CHUNKS: Final = """
CREATE TABLE IF NOT EXISTS targets (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (kind, identity, name, path)
);
CREATE TABLE IF NOT EXISTS chunks (
    target INTEGER NOT NULL REFERENCES targets (id),
    metric TEXT NOT NULL,
    begin_microseconds INTEGER NOT NULL, -- wall time of the first and last point
    end_microseconds INTEGER NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    total REAL NOT NULL,                 -- sum over `samples` samples
    samples INTEGER NOT NULL,
    last REAL NOT NULL,
    points BLOB NOT NULL,                -- store/chunks.py
    UNIQUE (target, metric, begin_microseconds)
);
CREATE INDEX IF NOT EXISTS chunks_by_time ON chunks (begin_microseconds);
CREATE TABLE IF NOT EXISTS sources (name TEXT PRIMARY KEY) WITHOUT ROWID; -- finer files that are in here already
"""

TABLES: Final = {RECENT: _FRAMES, LONG: _CHUNKS, YEAR: _CHUNKS, EPISODES: _EVENTS + _FRAMES}


class File(NamedTuple):
    """One file of the store: what its name says. `begin` and `end` are wall seconds since the epoch."""

    name: str
    tier: str
    begin_wall_seconds: float
    end_wall_seconds: float
    turn: int
    damaged: bool


def read_name(name: str) -> File | None:
    """What a file's name says; None for a name that is not of the store."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    tier, period, turn, damaged = found.groups()
    try:
        begin = datetime(int(period[:4]), int(period[4:6]), int(period[6:8] or 1), int(period[9:] or 0), tzinfo=UTC)
        end = _next(tier, begin)
    except (ValueError, OverflowError):
        return None
    if begin.strftime(_FORMATS[tier]) != period:
        return None
    return File(name, tier, begin.timestamp(), end.timestamp(), int(turn or 1), damaged is not None)


def file_for(tier: str, wall_seconds: float, turn: int = 1) -> File:
    """The file of `tier` that a moment belongs to; `turn` counts the files of one period from 1."""
    period = datetime.fromtimestamp(wall_seconds, UTC).strftime(_FORMATS[tier])
    found = read_name(f"{tier}-{period}" + (f".{turn}.db" if turn > 1 else ".db"))
    assert found is not None
    return found


def _next(tier: str, begin: datetime) -> datetime:
    if tier == RECENT:
        return begin + timedelta(hours=1)
    if tier == YEAR:
        return (begin + timedelta(days=32)).replace(day=1)
    return begin + timedelta(days=1)
