"""Keeps the raw frames around what happened, when the file they are in is about to be forgotten.

An episode is the time from ten minutes before a finding, act or kill to one minute after it. Whole groups are
copied (a key frame with those that refer to it), so an episode may begin and end a few minutes further out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from forestall.model.finding import Finding, Severity
from forestall.store.events import FINDING, KILL, OUTCOME, Event
from forestall.store.files import transaction
from forestall.store.reader import Reader
from forestall.store.schema import File

BEFORE_SECONDS: Final = 600.0
AFTER_SECONDS: Final = 60.0
_KINDS: Final = (FINDING, OUTCOME, KILL)
_INSERT: Final = "INSERT OR IGNORE INTO frames VALUES (?, ?, ?, ?, ?, ?)"


class Row(NamedTuple):
    """One row of the frames table."""

    id: int
    key: int
    wall_microseconds: int
    boottime_microseconds: int
    boot: str
    picture: bytes


def groups_around(directory: str, file: File) -> Iterator[list[Row]]:
    """The groups of frames in a file that belong to an episode, each once, in order."""
    reader = Reader(directory)
    begin, end = file.begin_wall_seconds, file.end_wall_seconds
    happened = reader.events(begin - AFTER_SECONDS, end + BEFORE_SECONDS, _KINDS)
    keys: set[int] = set()
    for event in filter(_tells, happened):
        keys |= reader.keys_of(file, event.wall_seconds - BEFORE_SECONDS, event.wall_seconds + AFTER_SECONDS)
    for key in sorted(keys):
        rows = [Row._make(row) for row in reader.group_of(file, key)]
        if rows:
            yield rows


def copy(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Add a group to an episodes file; a group that is there already is left as it is."""
    with transaction(connection):
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM frames").fetchone()
        offset = last + 1 - rows[0].id
        connection.executemany(_INSERT, (row._replace(id=row.id + offset, key=row.key + offset) for row in rows))


def _tells(event: Event) -> bool:
    """A finding that only informs makes no episode."""
    return not isinstance(event.value, Finding) or event.value.severity > Severity.INFO
