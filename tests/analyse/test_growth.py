"""One envelope judged: flat, straight, bending, down, and where a curve would end."""

from __future__ import annotations

import math

import pytest

from forestall.analyse import growth
from forestall.model.series import Points
from tests.support import shapes
from tests.support.shapes import MIB, Shape


def sampled(shape: Shape, until_seconds: float, noise_ratio: float = 0.0) -> Points:
    """The shape at one sample a second."""
    pairs = list(shapes.samples(shape, until_seconds=until_seconds, noise_ratio=noise_ratio, seed=5))
    return Points([time for time, _ in pairs], [value for _, value in pairs])


def test_a_leak_is_straight_over_the_whole_window() -> None:
    """A leak of a hundred seconds has lasted a hundred seconds, with its slope."""
    found = growth.judge(sampled(shapes.leak(10 * MIB, 2 * MIB), 100.0, 0.003), 500 * MIB)
    assert found.kind == growth.STRAIGHT
    assert found.line is not None
    assert found.line.slope == pytest.approx(2 * MIB, rel=0.03)
    assert found.lasted_seconds == pytest.approx(100.0, abs=2.0)


def test_a_leak_that_began_lately_is_found_in_a_shorter_window() -> None:
    """After 90 s of calm, 30 s of leak are judged alone."""
    found = growth.judge(sampled(shapes.after(90.0, 50 * MIB, shapes.leak(50 * MIB, 3 * MIB)), 120.0), 500 * MIB)
    assert found.kind == growth.STRAIGHT
    assert found.line is not None
    assert found.line.slope == pytest.approx(3 * MIB, rel=0.05)
    assert 10.0 < found.lasted_seconds <= 32.0


def test_a_jump_followed_by_a_leak_is_a_kink_and_not_a_curve() -> None:
    """A start that loads much at once does not hide the leak that follows."""
    shape = shapes.after(10.0, 20 * MIB, shapes.leak(200 * MIB, 1 * MIB))
    found = growth.judge(sampled(shape, 90.0, 0.002), 400 * MIB)
    assert found.kind == growth.STRAIGHT
    assert found.line is not None
    assert found.line.slope == pytest.approx(1 * MIB, rel=0.1)


@pytest.mark.parametrize("elapsed_seconds", [30.0, 60.0, 120.0])
def test_an_exponential_approach_bends_and_its_plateau_is_foreseen(elapsed_seconds: float) -> None:
    """The plateau follows from how the slope falls, long before it is reached."""
    found = growth.judge(sampled(shapes.warming(10 * MIB, 300 * MIB, 60.0), elapsed_seconds), 400 * MIB)
    assert found.kind == growth.BENDING
    assert found.plateau == pytest.approx(300 * MIB, rel=0.15)
    assert found.plateau_low <= found.plateau


def test_a_curve_whose_plateau_lies_above_the_limit_still_meets_it() -> None:
    """A growth that slows down, but not enough, is straight as far as the limit is concerned."""
    found = growth.judge(sampled(shapes.warming(10 * MIB, 900 * MIB, 100.0), 40.0), 400 * MIB)
    assert found.kind == growth.STRAIGHT


def test_calm_noise_and_nothing_are_flat() -> None:
    """A constant, one with noise, and nought are flat; too few points say nothing."""
    assert growth.judge(sampled(lambda _: 100 * MIB, 100.0), 500 * MIB).kind == growth.FLAT
    assert growth.judge(sampled(lambda _: 100 * MIB, 100.0, 0.003), 500 * MIB).kind == growth.FLAT
    assert growth.judge(sampled(lambda _: 0.0, 100.0), 500 * MIB).kind == growth.FLAT
    assert growth.judge(sampled(lambda _: 100 * MIB, 3.0), 500 * MIB) == growth.NOTHING
    assert growth.judge(Points([], []), 500 * MIB) == growth.NOTHING


def test_a_fall_is_down() -> None:
    """A steady release of memory is told as such."""
    assert growth.judge(sampled(shapes.leak(400 * MIB, -2 * MIB), 100.0), 500 * MIB).kind == growth.DOWN


def test_noise_lowers_the_plateau_that_cannot_be_ruled_out() -> None:
    """An exact line slows down nowhere; the same line with noise might."""
    exact = growth.judge(sampled(shapes.leak(100 * MIB, MIB), 60.0), 500 * MIB)
    noisy = growth.judge(sampled(shapes.leak(100 * MIB, MIB), 60.0, 0.01), 500 * MIB)
    assert exact.plateau_low > 1e6 * MIB
    assert noisy.plateau_low < math.inf
