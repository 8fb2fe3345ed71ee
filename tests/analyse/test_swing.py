"""Finding teeth: peaks, troughs, period and rise."""

from __future__ import annotations

import pytest

from forestall.analyse.swing import deepest_fall, swings
from forestall.model.series import Points
from tests.support import shapes
from tests.support.shapes import MIB, Shape


def sampled(shape: Shape, until_seconds: float, noise_ratio: float = 0.0) -> Points:
    """The shape at a few samples a second."""
    pairs = list(
        shapes.samples(shape, until_seconds=until_seconds, interval_seconds=0.25, noise_ratio=noise_ratio, seed=3)
    )
    return Points([time for time, _ in pairs], [value for _, value in pairs])


@pytest.mark.parametrize("period_seconds", [3.0, 10.0, 30.0])
def test_a_saw_tooth_has_its_period(period_seconds: float) -> None:
    """Peaks come once a period, each near the top, and a rise takes three quarters of it above the ground."""
    found = swings(sampled(shapes.sawtooth(40 * MIB, 75 * MIB, period_seconds), 10 * period_seconds, 0.005))
    assert 9 <= len(found.peaks.times) <= 10
    assert found.period_seconds == pytest.approx(period_seconds, rel=0.05)
    assert found.rise_seconds == pytest.approx(0.75 * period_seconds, abs=1.0)
    assert min(found.peaks.values) > 68 * MIB
    assert found.height_ratio == pytest.approx(35 / 75, abs=0.08)


def test_a_noisy_leak_has_no_teeth() -> None:
    """Noise of half a percent does not interrupt a rise."""
    assert swings(sampled(shapes.leak(10 * MIB, MIB), 200.0, 0.005)).peaks.times == []


def test_a_constant_has_no_teeth() -> None:
    """Nothing swings, nothing divides by zero, also at nought."""
    for level in (0.0, 5.0 * MIB):
        found = swings(sampled(lambda _, level=level: level, 60.0))
        assert (found.peaks.times, found.period_seconds, found.rise_seconds, found.height_ratio) == ([], 0.0, 0.0, 0.0)


def test_a_series_that_begins_with_a_fall_has_no_peak_there() -> None:
    """Where the series begins is not a turning point."""
    found = swings(Points([0.0, 1.0, 2.0, 3.0, 4.0], [9.0, 1.0, 8.0, 2.0, 7.0]))
    assert found.peaks.times == [2.0]


def test_the_rise_of_a_spike_is_short_whatever_came_before() -> None:
    """A rise of three seconds after a minute of calm lasted three seconds, not a minute."""
    found = swings(sampled(shapes.spike(30 * MIB, 90 * MIB, 60.0, 3.0, 0.5), 100.0, 0.005))
    assert len(found.peaks.times) == 1
    assert found.rise_seconds <= 3.5


def test_the_deepest_fall_is_measured_from_the_highest_before() -> None:
    """From 9 down to 2 is a fall of 7, even with a rise between."""
    assert deepest_fall([1.0, 9.0, 5.0, 6.0, 2.0, 8.0]) == 7.0
    assert deepest_fall([1.0, 2.0, 3.0]) == 0.0
