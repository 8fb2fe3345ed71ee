"""The robust line and the envelope that feeds it."""

from __future__ import annotations

import random

from forestall.analyse.line import POINTS_MAX, envelope, through
from forestall.model.series import Points


def test_an_exact_line_is_found_exactly() -> None:
    """Points on a line give its slope, its last value, full agreement and no scatter."""
    line = through([0.0, 1.0, 3.0, 7.0], [5.0, 7.0, 11.0, 19.0])
    assert (line.slope, line.slope_low, line.slope_high, line.at_end) == (2.0, 2.0, 2.0, 19.0)
    assert (line.agreement_ratio, line.scatter, line.deviation) == (1.0, 0.0, 0.0)


def test_outliers_do_not_bend_the_line() -> None:
    """Two of twelve points may be anything; the slope stays within a tenth."""
    values = [10.0 * i for i in range(12)]
    values[4], values[9] = 900.0, -300.0
    assert abs(through(range(12), values).slope - 10.0) < 1.0


def test_agreement_tells_direction_from_noise() -> None:
    """Kendall's tau: 1 for a rise, -1 for a fall, 0 for a constant, near 0 for noise."""
    dice = random.Random(1)
    assert through(range(6), [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]).agreement_ratio == -1.0
    assert through(range(4), [3.0, 3.0, 3.0, 3.0]).agreement_ratio == 0.0
    noise = [abs(through(range(12), [dice.random() for _ in range(12)]).agreement_ratio) for _ in range(200)]
    assert sum(noise) / len(noise) < 0.25


def test_the_interval_holds_the_true_slope_of_noisy_points() -> None:
    """Of 200 noisy lines nearly all intervals hold the true slope."""
    dice = random.Random(2)
    held = 0
    for _ in range(200):
        line = through(range(12), [5.0 * i + dice.gauss(0.0, 3.0) for i in range(12)])
        held += line.slope_low <= 5.0 <= line.slope_high
    assert held >= 195


def test_the_envelope_keeps_the_highest_of_each_stretch() -> None:
    """A saw-tooth of ten samples a period becomes its peaks, at their times."""
    points = Points([float(i) for i in range(120)], [float(i % 10) for i in range(120)])
    top = envelope(points)
    assert top.values == [9.0] * POINTS_MAX
    assert all(time % 10 == 9 for time in top.times)
    assert envelope(points, lower=True).values == [0.0] * POINTS_MAX


def test_empty_stretches_are_left_out() -> None:
    """Points that lie at both ends of a long silence give two points, not twelve."""
    top = envelope(Points([0.0, 1.0, 99.0, 100.0], [1.0, 2.0, 4.0, 3.0]))
    assert top == Points([1.0, 99.0], [2.0, 4.0])
