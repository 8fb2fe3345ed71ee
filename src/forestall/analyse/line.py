"""A straight line through a few points that outliers do not bend: the median of all pairwise slopes (Theil-Sen).

Fed by the envelopes and runs of `analyse.trend`, never by more than POINTS_MAX points, so that one fit costs some
twenty microseconds.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from forestall.model.series import Points

POINTS_MAX: Final = 12
INTERVAL_RATIO: Final = 0.1
"""The slope's interval leaves out this share of the pairwise slopes at either end."""


class Line(NamedTuple):
    """A fitted line. `slope` per second with the interval `slope_low`..`slope_high`; `at_end`: its last value.

    `agreement_ratio` -1..1 is Kendall's tau: the share of pairs that rise minus the share that fall.
    `scatter` is the median distance of the points from the line, `deviation` the root of the mean squared one.
    """

    slope: float
    slope_low: float
    slope_high: float
    at_end: float
    agreement_ratio: float
    scatter: float
    deviation: float


def through(times: Sequence[float], values: Sequence[float]) -> Line:
    """Fit a line; needs at least two points, times strictly ascending."""
    count = len(times)
    slopes = [
        (values[later] - values[earlier]) / (times[later] - times[earlier])
        for later in range(1, count)
        for earlier in range(later)
    ]
    slopes.sort()
    pairs = len(slopes)
    slope = slopes[pairs // 2] if pairs % 2 else (slopes[pairs // 2 - 1] + slopes[pairs // 2]) / 2.0
    end = times[-1]
    levels = sorted([value - slope * (time - end) for time, value in zip(times, values, strict=True)])
    at_end = levels[count // 2] if count % 2 else (levels[count // 2 - 1] + levels[count // 2]) / 2.0
    distances = sorted([abs(level - at_end) for level in levels])
    falling = sum([1 for one in slopes if one < 0.0])
    rising = sum([1 for one in slopes if one > 0.0])
    cut = int(pairs * INTERVAL_RATIO)
    return Line(
        slope=slope,
        slope_low=slopes[cut],
        slope_high=slopes[pairs - 1 - cut],
        at_end=at_end,
        agreement_ratio=(rising - falling) / pairs,
        scatter=distances[count // 2],
        deviation=math.sqrt(sum([distance * distance for distance in distances]) / count),
    )


def envelope(points: Points, blocks: int = POINTS_MAX, *, lower: bool = False) -> Points:
    """The highest (or lowest) point of each of `blocks` equal stretches of time; empty stretches are left out."""
    times, values = points
    first = times[0]
    width_seconds = (times[-1] - first) / blocks
    extreme = min if lower else max
    kept = Points([], [])
    begin = 0
    for block in range(1, blocks + 1):
        end = bisect_left(times, first + block * width_seconds, begin) if block < blocks else len(times)
        if end > begin:
            value = extreme(values[begin:end])
            kept.times.append(times[values.index(value, begin)])
            kept.values.append(value)
        begin = end
    return kept
