"""The bounded history: what it keeps of many samples, and what it forgets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from forestall.model.series import BUCKETS_MAX, SCALES_SECONDS, Series


def filled(pairs: list[tuple[float, float]]) -> Series:
    """A series of these samples."""
    series = Series()
    for time, value in pairs:
        series.append(time, value)
    return series


GAPS = st.lists(st.tuples(st.floats(0.02, 30.0), st.floats(0.0, 1e12)), min_size=1, max_size=400)


@given(GAPS)
def test_points_ascend_and_end_with_the_last_sample(gaps: list[tuple[float, float]]) -> None:
    """At every scale the points are in the order of time, and the newest is the last sample."""
    series, time = Series(), 1000.0
    for gap, value in gaps:
        time += gap
        series.append(time, value)
    for scale in range(len(SCALES_SECONDS)):
        points = series.points(scale)
        assert all(earlier < later for earlier, later in pairwise(points.times))
        assert (points.times[-1], points.values[-1]) == (time, gaps[-1][1])


@given(GAPS)
def test_no_extreme_within_reach_is_lost(gaps: list[tuple[float, float]]) -> None:
    """However the samples fall into buckets, the highest and the lowest value stay visible at every scale."""
    series, time = Series(), 0.0
    for gap, value in gaps[:BUCKETS_MAX]:
        time += gap
        series.append(time, value)
    values = [value for _, value in gaps[:BUCKETS_MAX]]
    for scale in range(len(SCALES_SECONDS)):
        shown = series.points(scale).values
        assert (max(shown), min(shown)) == (max(values), min(values))


def test_teeth_of_half_a_second_survive_the_folding() -> None:
    """A saw-tooth of 0.5 s sampled every 50 ms for an hour still shows its peaks and troughs at 100 s a bucket."""
    series = filled([(i * 0.05, float(i % 10)) for i in range(72_000)])
    coarse = series.points(2)
    assert {0.0, 9.0} <= set(coarse.values)
    assert coarse.times[0] < 1.0


def test_memory_is_bounded_whatever_the_pace() -> None:
    """Two days of samples leave 128 buckets a ring: 4 numbers of 8 bytes each, 12 KiB in all."""
    series = filled([(i * 10.0, float(i)) for i in range(17_280)])
    for ring in series.rings:
        assert len(ring.lows) == len(ring.highs) == len(ring.low_times) == len(ring.high_times) <= BUCKETS_MAX


def test_the_rings_reach_minutes_and_hours_back() -> None:
    """At one sample a second the scales show at least two minutes, twenty minutes and three and a half hours."""
    series = filled([(float(i), float(i)) for i in range(15_000)])
    reach = [series.points(scale).times[0] for scale in range(3)]
    assert 14_999 - reach[0] >= 120
    assert 14_999 - reach[1] >= 1200
    assert 14_999 - reach[2] >= 12_600


def test_a_sample_that_is_not_later_is_ignored() -> None:
    """A clock that stands still or runs backwards adds nothing."""
    series = filled([(10.0, 1.0), (10.0, 99.0), (9.0, 99.0), (11.0, 2.0)])
    assert series.points(0).values == [1.0, 2.0]
    assert series.samples == 2


def test_begin_again_forgets_every_scale() -> None:
    """After a restart no scale knows anything of the time before."""
    series = filled([(float(i), 5.0) for i in range(2000)])
    series.begin_again()
    series.append(3000.0, 1.0)
    assert [series.points(scale).times for scale in range(3)] == [[3000.0]] * 3
    assert series.growth(10.0) is None


def test_growth_compares_with_the_sample_that_long_ago() -> None:
    """A rise of 3 a second is 30 in ten seconds and 180 in a minute, also when looked at every 20 ms."""
    for interval in (0.02, 0.5, 1.0, 7.0):
        series = filled([(i * interval, 3.0 * i * interval) for i in range(int(200 / interval))])
        assert abs((series.growth(10.0) or 0.0) - 30.0) < 1e-6
        assert abs((series.growth(60.0) or 0.0) - 180.0) < 1e-6


def test_growth_of_a_young_series_is_unknown_until_half_the_time_has_passed() -> None:
    """Four seconds say nothing about ten; six do, stretched to ten."""
    series = filled([(float(i), 2.0 * i) for i in range(5)])
    assert series.growth(10.0) is None
    series.append(6.0, 12.0)
    assert series.growth(10.0) == 20.0
