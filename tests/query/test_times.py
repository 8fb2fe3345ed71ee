"""Times as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.errors import Misuse
from forestall.query.times import Span, instant, span

PLUS_TWO = timezone(timedelta(hours=2))
NOW = datetime(2025, 3, 20, 9, 30, 15, tzinfo=PLUS_TWO).timestamp()


def at(text: str) -> float:
    """An ISO time in the zone of these tests."""
    return datetime.fromisoformat(text).replace(tzinfo=PLUS_TWO).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("10m ago", NOW - 600),
        ("10 minutes ago", NOW - 600),
        ("1h30m ago", NOW - 5400),
        ("2 hours ago", NOW - 7200),
        ("1 day ago", NOW - 86_400),
        ("3d", NOW - 3 * 86_400),
        ("-15m", NOW - 900),
        ("2 weeks ago", NOW - 14 * 86_400),
        ("30 sec ago", NOW - 30),
        ("  10M   AGO ", NOW - 600),
        ("1742455815", 1_742_455_815.0),
        ("@1742455815.5", 1_742_455_815.5),
        ("08:05", at("2025-03-20T08:05")),
        ("8:05", at("2025-03-20T08:05")),
        ("14:05:30", at("2025-03-19T14:05:30")),
        ("today 07:00", at("2025-03-20T07:00")),
        ("yesterday 14:00", at("2025-03-19T14:00")),
        ("2025-03-01 04:05", at("2025-03-01T04:05")),
        ("2025-03-01T04:05:06.5", at("2025-03-01T04:05:06.5")),
        ("2025-03-01T04:05Z", at("2025-03-01T06:05")),
        ("2025-03-01T04:05:06+00:00", at("2025-03-01T06:05:06")),
        ("2025-03-01 04:05 -0500", at("2025-03-01T11:05")),
    ],
)
def test_a_time_means_what_people_mean(text: str, expected: float) -> None:
    """Relative, of the clock, of the calendar, with a zone, as an epoch; a clock time alone is the last one passed."""
    assert instant(text, NOW, PLUS_TWO) == (expected, expected)


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("today", "2025-03-20", "2025-03-21"),
        ("yesterday", "2025-03-19", "2025-03-20"),
        ("2025-03-01", "2025-03-01", "2025-03-02"),
        ("20250301", "2025-03-01", "2025-03-02"),
        ("-1", "2025-03-19", "2025-03-20"),
        ("-20", "2025-02-28", "2025-03-01"),
    ],
)
def test_a_day_is_a_whole_day(text: str, begin: str, end: str) -> None:
    """From midnight to midnight; -1 is yesterday, as sar counts."""
    assert instant(text, NOW, PLUS_TWO) == (at(begin), at(end))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "yestrday",
        "25:00",
        "10:5",
        "14",
        "2025-13-01",
        "10x ago",
        "ago",
        "-",
        "-999",
        "1" * 400,
        "\0",
        "z",
    ],
)
def test_what_cannot_be_read_is_refused_with_examples(text: str) -> None:
    """No guess is made."""
    with pytest.raises(Misuse, match="cannot be read"):
        instant(text, NOW, PLUS_TWO)


@given(st.text("0123456789:-+ tzagomhdyesr.@\u0660", max_size=24))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """Nothing else is raised."""
    try:
        found = instant(text, NOW, PLUS_TWO)
    except Misuse:
        return
    assert found.begin_wall_seconds <= found.end_wall_seconds


@given(
    st.datetimes(),
    st.sampled_from(["seconds", "minutes", "milliseconds"]),
)
def test_an_iso_time_is_read_as_python_reads_it(any_moment: datetime, precision: str) -> None:
    """With a T or a space between date and time."""
    text = any_moment.replace(year=1990 + any_moment.year % 100, day=1).isoformat(timespec=precision)
    expected = datetime.fromisoformat(text).replace(tzinfo=PLUS_TWO).timestamp()
    assert instant(text, NOW, PLUS_TWO).begin_wall_seconds == expected
    assert instant(text.replace("T", " "), NOW, PLUS_TWO).begin_wall_seconds == expected


def test_yesterday_is_a_calendar_day_across_the_change_to_summer_time() -> None:
    """In Berlin 2025-03-30 has 23 hours."""
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2025, 3, 31, 12, tzinfo=berlin).timestamp()
    day = instant("yesterday", now, berlin)
    assert day.end_wall_seconds - day.begin_wall_seconds == 23 * 3600


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system's own zone, by TZ, with its rule written out so that no zone file is needed."""
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_without_a_zone_the_systems_rules_apply(in_new_york: None) -> None:
    """Winter and summer time each on its day."""
    winter, summer = (instant(f"2025-{month}-01 12:00", NOW).begin_wall_seconds for month in ("01", "07"))
    assert datetime.fromtimestamp(winter, UTC).hour == 17
    assert datetime.fromtimestamp(summer, UTC).hour == 16


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, Span(NOW - 3600, NOW)),
        ("2h ago", None, Span(NOW - 7200, NOW)),
        ("-1", None, Span(at("2025-03-19"), at("2025-03-20"))),
        ("today", None, Span(at("2025-03-20"), NOW)),
        ("yesterday 14:00", "yesterday 15:30", Span(at("2025-03-19T14:00"), at("2025-03-19T15:30"))),
        (None, "yesterday", Span(at("2025-03-20") - 3600, at("2025-03-20"))),
        ("2025-03-01", "2025-03-03", Span(at("2025-03-01"), at("2025-03-04"))),
    ],
)
def test_a_span_has_two_ends(since: str | None, until: str | None, expected: Span) -> None:
    """The last hour by itself; a day alone is that day; an end that is a day includes it."""
    assert span(since, until, NOW, PLUS_TWO) == expected


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    """The person is told which time is meant."""
    with pytest.raises(Misuse, match="not before the end"):
        span("10m ago", "20m ago", NOW, PLUS_TWO)
