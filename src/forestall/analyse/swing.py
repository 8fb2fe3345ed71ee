"""Peaks and troughs of a series: does it swing, how fast, and between which levels.

A garbage-collected heap rises and falls with every collection. Its danger is told by its peaks alone, and a single
rise of it says nothing; so the teeth are found first, and growth is judged on what is left.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.series import Points

TOOTH_RATIO: Final = 0.2
"""A fall counts as a tooth from this share of the deepest fall on: the young teeth of a growing heap are smaller."""

RANGE_RATIO: Final = 0.15
"""And from this share of the whole range on: what is less does not interrupt a rise."""

NOISE_RATIO: Final = 0.01
"""A fall of less than this share of the highest value is no tooth."""


class Swings(NamedTuple):
    """Turning points, oldest first: each peak was followed by a fall, each trough by a rise, of at least a tooth.

    `tooth` is that height. `rises` is the last trough's time if the series rises since, else None.
    """

    peaks: Points
    troughs: Points
    tooth: float

    @property
    def period_seconds(self) -> float:
        """Mean time from peak to peak; 0 with fewer than two."""
        times = self.peaks.times
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0


def deepest_fall(values: list[float]) -> float:
    """The most that the series ever lay below an earlier value of its own."""
    high = values[0]
    deepest = 0.0
    for value in values:
        if value > high:
            high = value
        elif high - value > deepest:
            deepest = high - value
    return deepest


def swings(points: Points) -> Swings:
    """Find the turning points; a value must come back by a tooth before a turn is believed."""
    times, values = points
    tooth = max(
        deepest_fall(values) * TOOTH_RATIO,
        (max(values) - min(values)) * RANGE_RATIO,
        max(values) * NOISE_RATIO,
        1.0,
    )
    peaks = Points([], [])
    troughs = Points([], [])
    rising = True
    time_of = times[0]
    extreme = values[0]
    for time, value in zip(times, values, strict=True):
        beyond = value - extreme if rising else extreme - value
        if beyond >= 0.0:
            time_of, extreme = time, value
        elif beyond <= -tooth:
            turns = peaks if rising else troughs
            turns.times.append(time_of)
            turns.values.append(extreme)
            rising = not rising
            time_of, extreme = time, value
    if peaks.times and peaks.times[0] == times[0]:
        del peaks.times[0], peaks.values[0]
    return Swings(peaks, troughs, tooth)
