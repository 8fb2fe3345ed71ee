"""Conditions as they are written, against what is known of a target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.engine.conditions import Facts, Since, holds, lingers
from forestall.engine.tally import Tally
from forestall.model.trend import GROWING, NO_TREND, Trend
from forestall.parse.condition import parse
from tests.support.frames import MIB, reading
from tests.support.judgement import LIMIT, stall


def facts(used_ratio: float = 0.5, now: float = 100.0, **changes: Any) -> Facts:
    """A target with a limit of 512 MiB at a share of it, nothing else known unless given."""
    one = reading("a.service", used_bytes=int(used_ratio * LIMIT), limit_bytes=LIMIT, pressure=changes.pop("psi", None))
    return Facts(one, NO_TREND, None, None, (), None, now)._replace(**changes)


def trend(seconds_left: float, confidence_ratio: float = 0.9, lasted_seconds: float = 30.0, samples: int = 30) -> Trend:
    """A growth that meets the limit then."""
    return Trend(MIB, seconds_left, seconds_left, seconds_left, confidence_ratio, GROWING, lasted_seconds, samples, 1.0)


def is_true(text: str, known: Facts, *, strict: bool = False) -> bool:
    """Whether the condition holds at the first look."""
    return holds(parse(text), known, {}, strict=strict)


def tally(*times: float) -> Tally:
    """Events at these times."""
    events = Tally()
    for time in times:
        events.add(1, time)
    return events


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("used > 80% of limit", False),
        ("used > 79% of limit", True),
        ("used >= 80% of limit", True),
        ("used < 80% of limit", False),
        ("used <= 80% of limit", True),
        ("used > 400MiB", True),
        ("used > 410MiB", False),
        ("headroom < 110MiB", True),
        ("headroom < 10% of limit", False),
        ("swap > 0MiB", False),
    ],
)
def test_levels(text: str, expected: bool) -> None:
    """A target at exactly 80 % (409.6 MiB) of 512 MiB."""
    one = facts(0.8)
    exact = one._replace(reading=one.reading._replace(used_bytes=4096, limit_bytes=5120, headroom_bytes=1024))
    if "MiB" in text:
        assert is_true(text, one) is expected
    else:
        assert is_true(text, exact) is expected


def test_growth_and_pressure() -> None:
    """Growth is bytes per second however it is written; pressure is avg10."""
    known = facts(growth_bytes_per_second=2.0 * MIB, psi=stall(0.25))
    assert is_true("growth > 100MiB/m", known)
    assert not is_true("growth > 3MiB/s", known)
    assert is_true("pressure > 20%", known)
    assert not is_true("pressure > 30%", known)


def test_counts_in_their_window() -> None:
    """Kills count over five minutes unless told otherwise; log and counter are not added up."""
    known = facts(now=1000.0, kills=(tally(650.0, 990.0), tally(990.5)), near_misses=tally(999.0, 999.5))
    assert is_true("kills > 0", known)
    assert not is_true("kills > 1", known)
    assert is_true("kills > 1 in 10m", known)
    assert is_true("near_misses >= 2 in 10s", known)
    assert not is_true("near_misses >= 3 in 1h", known)


@pytest.mark.parametrize(
    "text",
    ["growth > 0MiB/s", "pressure > 0%", "time_to_limit < 1h", "near_misses >= 0", "kills >= 0"],
)
def test_the_unknown_is_never_true_not_even_negated(text: str) -> None:
    """Nothing is done because something could not be read."""
    known = facts()
    assert not is_true(text, known)
    assert not is_true(f"not {text}", known)
    assert not is_true(f"not ({text} and used > 10% of limit)", known)
    assert not is_true(f"not ({text} for 1s)", known)


def test_what_is_known_decides_beside_the_unknown() -> None:
    """`or` needs one true part, `and` fails with one false part, whatever the other would be."""
    known = facts(0.9)
    assert is_true("pressure > 20% or used > 80% of limit", known)
    assert not is_true("pressure > 20% and used < 80% of limit", known)
    assert is_true("not (pressure > 20% and used < 80% of limit)", known)


def test_for_needs_the_whole_time_without_a_break() -> None:
    """Thirty seconds above the level; a look below begins them anew."""
    condition, since = parse("used > 80% of limit for 30s"), Since()
    course = [(0.0, 0.9), (29.0, 0.9), (29.5, 0.7), (30.0, 0.9), (59.0, 0.9), (60.0, 0.9), (61.0, 0.7)]
    assert [holds(condition, facts(ratio, now), since) for now, ratio in course] == [
        False,
        False,
        False,
        False,
        False,
        True,
        False,
    ]


def test_every_for_keeps_its_own_time() -> None:
    """Two of them in one condition begin at different moments, also behind a part that already decides."""
    condition, since = (
        parse("used > 90% of limit or used > 50% of limit for 10s and used > 80% of limit for 5s"),
        Since(),
    )
    course = [(0.0, 0.6), (4.0, 0.85), (8.0, 0.85), (9.0, 0.85), (10.0, 0.85)]
    assert [holds(condition, facts(ratio, now), since) for now, ratio in course] == [False, False, False, False, True]
    assert len(since) == 2


def test_a_for_behind_a_true_part_keeps_time() -> None:
    """While the first part is true the second one's clock runs on."""
    condition, since = parse("swap >= 0MiB or used > 80% of limit for 10s"), Since()
    holds(condition, facts(0.9, 0.0), since)
    assert list(since.values()) == [0.0]


@pytest.mark.parametrize(
    ("used_ratio", "forecast", "expected"),
    [
        (0.75, trend(30.0), True),
        (0.69, trend(30.0), False),
        (0.75, trend(30.0, confidence_ratio=0.79), False),
        (0.75, trend(30.0, lasted_seconds=9.9), False),
        (0.75, trend(30.0, samples=4), False),
        (0.75, trend(61.0), False),
    ],
)
def test_a_forecast_alone_needs_evidence_before_it_ends_a_process(
    used_ratio: float, forecast: Trend, expected: bool
) -> None:
    """Strictly: confident, 70 % used, lasting ten seconds, five samples; otherwise only the level counts."""
    known = facts(used_ratio, trend=forecast)
    assert is_true("used > 92% of limit or time_to_limit < 60s", known, strict=True) is expected
    if forecast.time_to_limit_seconds == 30.0:
        assert is_true("time_to_limit < 60s", known)
        assert not is_true("not time_to_limit > 60s", known, strict=True) or expected


def test_a_level_needs_no_forecast() -> None:
    """Strictness does not weaken a level that is reached."""
    assert is_true("used > 92% of limit or time_to_limit < 60s", facts(0.93), strict=True)


@pytest.mark.parametrize(
    ("text", "lingering", "gone"),
    [
        ("used > 80% of limit", 0.77, 0.75),
        ("headroom < 20% of limit", 0.795, 0.78),
        ("not used < 80% of limit", 0.77, 0.75),
        ("used > 80% of limit for 30s", 0.77, 0.75),
    ],
)
def test_a_condition_lingers_until_five_percent_below_its_level(text: str, lingering: float, gone: float) -> None:
    """For arming a step again the level is eased by 5 % of itself, in the direction that the operator and `not` say."""
    assert lingers(parse(text), facts(lingering))
    assert not lingers(parse(text), facts(gone))
    assert not is_true(text, facts(lingering))


TEXTS = st.sampled_from(
    ["used > 80% of limit", "headroom < 50MiB", "pressure > 20%", "time_to_limit < 60s", "growth > 1MiB/s", "kills > 0"]
)
TREES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, inner).map(" and ".join).map(lambda text: f"({text})"),
        st.tuples(inner, inner).map(" or ".join).map(lambda text: f"({text})"),
    ),
    max_leaves=6,
)


@given(TREES, st.floats(0.0, 1.0), st.floats(1.0, 200.0))
def test_what_holds_lingers(text: str, used_ratio: float, seconds_left: float) -> None:
    """A condition that holds does so all the more with its levels eased, under any number of `not`."""
    known = facts(used_ratio, trend=trend(seconds_left), growth_bytes_per_second=2.0 * MIB, kills=(tally(99.0),))
    if is_true(text, known):
        assert lingers(parse(text), known)
