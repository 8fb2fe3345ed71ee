"""Times as people write them: "10m ago", "yesterday 14:00", "14:05", "2025-03-30T02:30+02:00", an epoch, "-1".

Pure: the time it is now comes in, and so does the zone; without one the system's own rules apply (tzset(3)),
summer time included. All results are wall seconds since the epoch.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final, NamedTuple

from forestall.model.errors import Malformed, Misuse
from forestall.model.units import parse_duration

HINT: Final = 'write "10m ago", "yesterday 14:00", "14:05", "2025-03-30 14:05", an epoch such as 1743343200, or -1'
DEFAULT_SECONDS: Final = 3600.0
TEXT_MAX: Final = 64
DAYS_BACK_MAX: Final = 366

_WORDS: Final = (
    (re.compile(r"\s*(?:milliseconds?|msecs?)"), "ms"),
    (re.compile(r"\s*(?:seconds?|secs?)"), "s"),
    (re.compile(r"\s*(?:minutes?|mins?)"), "m"),
    (re.compile(r"\s*(?:hours?|hrs?)"), "h"),
    (re.compile(r"\s*days?"), "d"),
)
_WEEKS: Final = re.compile(r"(\d+)\s*(?:weeks?|w)")
_EPOCH: Final = re.compile(r"@?(\d{9,11}(?:\.\d+)?)")
_DAYS_BACK: Final = re.compile(r"-(\d{1,3})")
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?")
_ZONE: Final = re.compile(r"(?<=\d)\s*(z|[+-]\d\d:?\d\d)$")


class Instant(NamedTuple):
    """What a text means: from `begin` to before `end`; both are the same unless the text names a whole day."""

    begin_wall_seconds: float
    end_wall_seconds: float


class Span(NamedTuple):
    """From `since` to `until`, wall seconds."""

    since_wall_seconds: float
    until_wall_seconds: float


def instant(text: str, now_wall_seconds: float, zone: tzinfo | None = None) -> Instant:
    """Read one time; raises Misuse with examples for what cannot be read.

    A clock time alone is the last one that has passed. "today", "yesterday", a date, and "-1" (yesterday, as sar
    counts) name whole days.
    """
    written = " ".join(text.lower().split())
    if not written or len(written) > TEXT_MAX:
        raise _unreadable(text)
    try:
        return _plain(written, now_wall_seconds) or _calendar(written, now_wall_seconds, zone)
    except (ValueError, OverflowError, OSError):
        raise _unreadable(text) from None


def span(since: str | None, until: str | None, now_wall_seconds: float, zone: tzinfo | None = None) -> Span:
    """Read both ends; without `since` the last hour before `until`, without `until` up to now or the day's end."""
    end = instant(until, now_wall_seconds, zone).end_wall_seconds if until else now_wall_seconds
    if not since:
        return Span(end - DEFAULT_SECONDS, end)
    begin = instant(since, now_wall_seconds, zone)
    if not until and begin.end_wall_seconds > begin.begin_wall_seconds:
        end = min(end, begin.end_wall_seconds)
    if begin.begin_wall_seconds >= end:
        raise Misuse(f"time {since!r}", "is not before the end of the span", HINT)
    return Span(begin.begin_wall_seconds, end)


def _plain(written: str, now: float) -> Instant | None:
    """Times that need no calendar."""
    if written == "now":
        return Instant(now, now)
    epoch = _EPOCH.fullmatch(written)
    if epoch:
        return Instant(float(epoch[1]), float(epoch[1]))
    words = written.removesuffix(" ago").removeprefix("-")
    seconds = _duration(words) if any(map(str.isalpha, words)) else None
    return None if seconds is None else Instant(now - seconds, now - seconds)


def _duration(words: str) -> float | None:
    weeks = _WEEKS.fullmatch(words.strip())
    if weeks:
        return float(weeks[1]) * 7 * 86_400
    for pattern, letter in _WORDS:
        words = pattern.sub(letter, words)
    try:
        return parse_duration(words.replace(" ", ""))
    except Malformed:
        return None


def _calendar(written: str, now: float, zone: tzinfo | None) -> Instant:
    zone_found = _ZONE.search(written) if ":" in written else None
    if zone_found:
        written = written[: zone_found.start()]
        zone = _fixed_zone(zone_found[1])
    today = datetime.fromtimestamp(now, zone).date()
    days_back = _DAYS_BACK.fullmatch(written)
    if days_back and int(days_back[1]) <= DAYS_BACK_MAX:
        return _day(today - timedelta(days=int(days_back[1])), zone)
    if _CLOCK.fullmatch(written):
        return _last(_clock(written), today, now, zone)
    if written[0].isdigit():
        written = written.replace("t", " ", 1)
    day_text, _, clock_text = written.partition(" ")
    day = {"today": today, "yesterday": today - timedelta(days=1)}.get(day_text) or date.fromisoformat(day_text)
    if not clock_text:
        return _day(day, zone)
    at = _seconds(day, _clock(clock_text), zone)
    return Instant(at, at)


def _last(clock: time, today: date, now: float, zone: tzinfo | None) -> Instant:
    at = _seconds(today, clock, zone)
    if at > now:
        at = _seconds(today - timedelta(days=1), clock, zone)
    return Instant(at, at)


def _clock(text: str) -> time:
    if not _CLOCK.fullmatch(text):
        raise ValueError(text)
    return time.fromisoformat(text.zfill(len(text) + 1) if text[1] == ":" else text)


def _day(day: date, zone: tzinfo | None) -> Instant:
    return Instant(_seconds(day, time(), zone), _seconds(day + timedelta(days=1), time(), zone))


def _seconds(day: date, clock: time, zone: tzinfo | None) -> float:
    """A time without a zone is taken by the system's rules when `zone` is None."""
    return datetime.combine(day, clock, zone).timestamp()


def _fixed_zone(text: str) -> tzinfo:
    if text == "z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _unreadable(text: str) -> Misuse:
    return Misuse(f"time {text[:TEXT_MAX]!r}", "cannot be read", HINT)
