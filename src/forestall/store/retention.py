"""What the store forgets: files too old for their tier, then the oldest until all fit into the size that is allowed."""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.store.files import bytes_of, listing
from forestall.store.schema import EPISODES, LONG, RECENT, YEAR, File

DAY_SECONDS: Final = 86_400.0

_FORGOTTEN_FIRST: Final = (RECENT, LONG, YEAR, EPISODES)
"""When room is short: raw frames go before series, and episodes, the evidence, go last."""


class Retention(NamedTuple):
    """How long each tier is kept, in seconds after the end of a file's period, and the most all may take."""

    recent_seconds: float = DAY_SECONDS
    long_seconds: float = 30 * DAY_SECONDS
    year_seconds: float = 366 * DAY_SECONDS
    episodes_seconds: float = 30 * DAY_SECONDS
    bytes_max: int = 2 * 1024**3


def expired(directory: str, retention: Retention, wall_seconds: float) -> list[File]:
    """The files to unlink now; never one whose period has not ended."""
    seconds = {
        RECENT: retention.recent_seconds,
        LONG: retention.long_seconds,
        YEAR: retention.year_seconds,
        EPISODES: retention.episodes_seconds,
    }
    over = [file for file in listing(directory) if file.end_wall_seconds <= wall_seconds or file.damaged]
    old = [file for file in over if wall_seconds - file.end_wall_seconds > seconds[file.tier]]
    young = [file for file in over if file not in old]
    return old + _surplus(directory, young, retention.bytes_max, old)


def _surplus(directory: str, candidates: list[File], bytes_max: int, going: list[File]) -> list[File]:
    gone = {file.name for file in going}
    excess = sum(bytes_of(directory, file.name) for file in listing(directory) if file.name not in gone) - bytes_max
    surplus = []
    for file in sorted(candidates, key=_worth):
        if excess <= 0:
            break
        surplus.append(file)
        excess -= bytes_of(directory, file.name)
    return surplus


def _worth(file: File) -> tuple[bool, int, float]:
    return not file.damaged, _FORGOTTEN_FIRST.index(file.tier), file.begin_wall_seconds
