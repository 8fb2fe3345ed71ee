"""Peaks and troughs of a series: does it swing, how fast, and between which levels.

A garbage-collected heap rises and falls with every collection. Its danger is told by its peaks alone, and a single
rise of it says nothing; so the teeth are found first, and growth is judged on what is left.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from operator import sub
from typing import Final, NamedTuple

from forestall.model.series import Points

TOOTH_RATIO: Final = 0.2
"""A fall counts as a tooth from this share of the deepest fall on: the young teeth of a growing heap are smaller."""

RANGE_RATIO: Final = 0.15
"""And from this share of the whole range on: what is less does not interrupt a rise."""

NOISE_RATIO: Final = 0.01
"""A fall of less than this share of the highest value is no tooth."""

RISES: Final = 3
GROUND_RATIO: Final = 0.25


class Swings(NamedTuple):
    """Turning points, oldest first: each peak was followed by a fall, each trough by a rise, of at least a tooth.

    `tooth` is that height. `rise_seconds` is the longest of the last rises to a peak, over their upper three quarters:
    where a rise began is hard to say, where it had left the ground is not.
    """

    peaks: Points
    troughs: Points
    tooth: float
    rise_seconds: float

    @property
    def height_ratio(self) -> float:
        """Depth of the last fall as a share of its peak; 0 where there was none."""
        if not self.peaks.values or not self.troughs.values or self.peaks.values[-1] <= 0.0:
            return 0.0
        return (self.peaks.values[-1] - self.troughs.values[-1]) / self.peaks.values[-1]

    @property
    def period_seconds(self) -> float:
        """Mean time from peak to peak; 0 with fewer than two."""
        times = self.peaks.times
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0


def deepest_fall(values: list[float]) -> float:
    """The most that the series ever lay below an earlier value of its own."""
    deepest: float = max(map(sub, accumulate(values, max), values))
    return deepest


def swings(points: Points) -> Swings:
    """Find the turning points; a value must come back by a tooth before a turn is believed."""
    times, values = points
    highest = max(values)
    height = highest - min(values)
    peaks = Points([], [])
    troughs = Points([], [])
    tooth = max(deepest_fall(values) * TOOTH_RATIO, height * RANGE_RATIO, highest * NOISE_RATIO)
    if height <= tooth:
        return Swings(peaks, troughs, tooth, 0.0)
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
    return Swings(peaks, troughs, tooth, _longest_rise_seconds(points, peaks.times))


def _longest_rise_seconds(points: Points, peak_times: list[float]) -> float:
    """How long the longest of the last few rises took from a quarter of its height up to its peak."""
    times, values = points
    longest = 0.0
    for number in range(max(0, len(peak_times) - RISES), len(peak_times)):
        begin = bisect_left(times, peak_times[number - 1]) if number else 0
        at = top = bisect_left(times, peak_times[number])
        low = min(values[begin : top + 1])
        ground = low + (values[top] - low) * GROUND_RATIO
        while at > begin and values[at] > ground:
            at -= 1
        longest = max(longest, times[top] - times[at])
    return longest
