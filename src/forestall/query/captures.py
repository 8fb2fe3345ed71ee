"""The captures that are kept: those of the agent's store and those of the runs beside it, out of their stores."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from forestall.model.capture import Capture
from forestall.model.errors import Absent, ForestallError
from forestall.store.events import CAPTURE
from forestall.store.reader import Reader

END_OF_TIME_WALL_SECONDS: Final = 253402300799.0
"""The end of the year 9999: every capture lies before it."""


class Kept(NamedTuple):
    """One kept capture and the state directory that it lies in."""

    capture: Capture
    directory: str


def kept_captures(state: str) -> tuple[Kept, ...]:
    """Every capture below the state directory and below its `run/*`, oldest first; raises Absent when there is none."""
    found = []
    for directory in (state, *_runs(state)):
        try:
            found += _captures(directory)
        except ForestallError:
            if directory == state and os.path.isdir(state):
                raise  # a run of somebody else's costs the list only itself
    if not found:
        raise Absent(f"no capture is kept in {state}", "another --state-dir, or take one now: forestall capture TARGET")
    return tuple(sorted(found, key=lambda kept: kept.capture.at_wall_seconds))


def kept_capture(state: str, wanted: str) -> Capture:
    """The capture of that id, or of the only id that begins so; of a minimal and a full one the full.

    Raises Absent when there is none, or several.
    """
    known = [kept.capture for kept in kept_captures(state)]
    fitting = [one for one in known if one.id == wanted] or [one for one in known if one.id.startswith(wanted)]
    if not fitting:
        raise Absent(f"no kept capture has the id {wanted!r}", "forestall capture --list")
    if len({one.id for one in fitting}) > 1:
        raise Absent(f"several kept captures have an id that begins with {wanted!r}", "give more of it")
    return min(fitting, key=lambda one: one.minimal)


def _runs(state: str) -> list[str]:
    runs = os.path.join(state, "run")
    try:
        return [entry.path for entry in os.scandir(runs) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []  # no command was ever run here


def _captures(directory: str) -> list[Kept]:
    events = Reader(directory).events(0.0, END_OF_TIME_WALL_SECONDS, (CAPTURE,))
    return [Kept(event.value, directory) for event in events if isinstance(event.value, Capture)]
