"""The guard's clock and the levels it keeps an eye on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.engine.pace import (
    TIME_LEFT,
    TIME_LEFT_NOW,
    grace_seconds,
    host_look_seconds,
    levels_bytes,
    nearest_level_bytes,
    next_look_seconds,
)
from forestall.model.finding import Evidence, Finding, Severity
from tests.support.frames import GIB, MIB, reading
from tests.support.judgement import EXAMPLE, LIMIT, policy

GROWTH = 200 * MIB


def look(distance: float, rate: float = 0.0, covered: bool = False, steady: float = 0.0, cache: float = 0.0) -> float:
    """The next look at a target."""
    return next_look_seconds(distance, rate, covered=covered, steady_for_seconds=steady, reclaimable_bytes=cache)


def test_a_calm_target_is_expected_to_take_200_mib_a_second() -> None:
    """100 MiB to the level: half a second; 10 GiB: ten seconds, the longest."""
    assert look(100 * MIB) == 0.5
    assert look(10 * GIB) == 10.0


def test_a_growing_target_is_looked_at_four_times_on_its_way() -> None:
    """At 100 MiB/s, 100 MiB away, the level is a second off and the look a quarter of it."""
    assert look(100 * MIB, rate=100 * MIB) == 0.25


def test_never_faster_than_20_ms() -> None:
    """At the level itself the look is 20 ms away, not nought."""
    assert look(0.0) == 0.020
    assert look(MIB, rate=10 * GIB) == 0.020


def test_cover_lengthens_only_while_page_cache_cannot_set_it_off() -> None:
    """Kernel thresholds count page cache: with more of it than distance they are not trusted."""
    assert look(100 * MIB, covered=True, cache=50 * MIB) == 1.0
    assert look(100 * MIB, covered=True, cache=150 * MIB) == 0.5
    assert look(100 * MIB, covered=True, steady=60.0, cache=50 * MIB) == 10.0
    assert look(100 * MIB, covered=True, steady=59.0, cache=50 * MIB) == 1.0


def test_steady_and_not_covered_is_not_looked_at_faster_than_100_ms() -> None:
    """A target that has stood still near its level for a minute costs ten looks a second, not fifty."""
    assert look(MIB, steady=61.0) == 0.1
    assert look(MIB, steady=59.0) == 0.020
    assert look(MIB, covered=True, steady=61.0, cache=2 * MIB) == 0.1


def test_the_host_can_fill_faster() -> None:
    """Many cores fault in memory together: a GiB a second at least."""
    assert host_look_seconds(2 * GIB, 0.0) == 2.0
    assert host_look_seconds(2 * GIB, GIB) == 0.5
    assert host_look_seconds(100 * GIB, 0.0) == 10.0


@given(st.floats(0, 1e13), st.floats(-1e12, 1e12), st.booleans(), st.floats(0, 1e5), st.floats(0, 1e13))
def test_the_look_is_always_between_20_ms_and_10_s(
    distance: float, rate: float, covered: bool, steady: float, cache: float
) -> None:
    """Whatever is measured, also a shrinking target."""
    assert 0.020 <= look(distance, rate, covered, steady, cache) <= 10.0
    assert 0.020 <= host_look_seconds(distance, rate) <= 10.0


@given(st.floats(1.0, 1e13), st.floats(0.0, 2e9))
def test_no_growth_up_to_four_times_the_observed_rate_passes_a_level_unseen(distance: float, rate: float) -> None:
    """Until the next look a target that quadruples its rate has not gone further than to the level."""
    seconds = look(distance, rate)
    if seconds > 0.020:
        assert 4 * rate * seconds <= distance * 1.000001


def test_levels_are_those_that_the_policy_names() -> None:
    """Used and headroom, in bytes or of the limit, in use, ascending and each once."""
    assert levels_bytes(EXAMPLE, 1000) == (800, 920)
    ladder = policy(
        ("headroom < 10% of limit", ["notify"]),
        ("used > 300MiB and not used > 90% of limit for 5s", ["notify"]),
        ("pressure > 20%", ["notify"]),
    )
    assert levels_bytes(ladder, LIMIT) == (300 * MIB, int(0.9 * LIMIT))


def test_without_a_level_the_limit_is_the_level() -> None:
    """A policy on the forecast alone still watches the limit; a level beyond the limit is none."""
    assert levels_bytes(policy(("time_to_limit < 60s", ["notify"])), 1000) == (1000,)
    assert levels_bytes(policy(("used > 2GiB", ["notify"])), 1000) == (1000,)


@pytest.mark.parametrize(("used_ratio", "expected_ratio"), [(0.5, 0.3), (0.85, 0.07), (0.95, 0.05), (1.0, 0.0)])
def test_the_nearest_level_lies_ahead(used_ratio: float, expected_ratio: float) -> None:
    """Of 80 %, 92 % and the limit the next one that is not yet passed."""
    one = reading("a.service", used_bytes=int(used_ratio * LIMIT), limit_bytes=LIMIT)
    assert nearest_level_bytes(EXAMPLE, one) == pytest.approx(expected_ratio * LIMIT, abs=2)


def finding(**seconds: float) -> Finding:
    """A step's finding with these times left."""
    names = {"forecast": TIME_LEFT, "rate": TIME_LEFT_NOW}
    numbers = tuple(Evidence(names[name], value, "seconds", "test") for name, value in seconds.items())
    return Finding("step", reading("a.service").target, Severity.CRITICAL, "", numbers, 0.0)


def test_the_grace_of_a_stop_fits_into_the_time_left() -> None:
    """The configured grace, or the shorter time left less a quarter of a second; never below nought."""
    assert grace_seconds(10.0, finding()) == 10.0
    assert grace_seconds(10.0, finding(forecast=60.0)) == 10.0
    assert grace_seconds(10.0, finding(forecast=60.0, rate=4.25)) == 4.0
    assert grace_seconds(10.0, finding(rate=0.1)) == 0.0
