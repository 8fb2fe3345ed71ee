"""Does a series grow of late, in a straight line, and would it meet the limit: the judgement of one envelope.

The newest stretch that is of one piece decides. Windows are tried from the whole past downwards, each half as long
as the one before, until one is straight: a leak that began lately is hidden in a long window, noise in a short one.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final, NamedTuple

from forestall.analyse.line import Line, envelope, through
from forestall.model.series import Points

FLAT: Final = "flat"
STRAIGHT: Final = "straight"
BENDING: Final = "bending"
DOWN: Final = "down"
UNCLEAR: Final = "unclear"

WINDOW_SECONDS_MIN: Final = 5.0
POINTS_MIN: Final = 5
FLAT_RATIO: Final = 0.01
"""A window in which the level moves by less than this share of itself is flat."""
CLIMB_RATIO: Final = 0.2
"""Share of the longer window's slope from which a flat window belongs to its curve; after a jump it has none."""
AGREEMENT_RATIO_MIN: Final = 0.6
"""Kendall's tau below which a window has no direction; a step in the middle of a window has 0.55."""
SCATTER_RATIO_MAX: Final = 0.12
"""Median distance from the line, as a share of the rise, up to which a window is straight."""
NOISE_RANGE_SCATTERS: Final = 8.0
"""A window whose range is less than this many scatters, and that has no direction, holds nothing but noise."""
NOISE_AGREEMENT_RATIO: Final = 0.5
ERROR_DEVIATIONS: Final = 2.0
"""How many standard errors a half's slope may be off: what lies within is not ruled out."""
SPEEDING_RATIO_MIN: Final = 1.5
"""Second half so much steeper than the first: the growth began inside the window."""


class Growth(NamedTuple):
    """What the deciding window says: `kind` is one of the constants above, `line` its fit (None: too few points).

    `lasted_seconds` and `points` measure the window, `end` is its last time. `plateau` is the level at which growth
    would end if it went on slowing down as it did in the window (infinity: it does not), `plateau_low` the lowest
    that the scatter of the points allows for.
    """

    kind: str
    line: Line | None
    lasted_seconds: float
    points: int
    end: float
    plateau: float
    plateau_low: float


NOTHING: Final = Growth(UNCLEAR, None, 0.0, 0, 0.0, math.inf, math.inf)


class _Piece(NamedTuple):
    kind: str
    line: Line
    plateau: float = math.inf
    plateau_low: float = math.inf


def judge(
    points: Points, limit: float, shortest_seconds: float = WINDOW_SECONDS_MIN, deviations: float = ERROR_DEVIATIONS
) -> Growth:
    """Find the newest stretch of one piece and say what it does; `limit` in the unit of the values.

    No window is shorter than `shortest_seconds`. `deviations`: how many standard errors a slope may be off in
    `plateau_low`.
    """
    times, values = points
    end = times[-1] if times else 0.0
    span_seconds = end - times[0] if times else 0.0
    first: Growth | None = None
    bent: Growth | None = None
    while span_seconds >= shortest_seconds:
        begin = bisect_left(times, end - span_seconds)
        top = envelope(Points(times[begin:], values[begin:]))
        if len(top.times) < POINTS_MIN:
            break
        piece = _piece(top, deviations)
        found = Growth(
            piece.kind, piece.line, end - times[begin], len(times) - begin, end, piece.plateau, piece.plateau_low
        )
        if piece.kind == FLAT:
            return bent if bent is not None and _climbs(piece, bent) else found
        if piece.kind == STRAIGHT and piece.plateau >= limit:
            return found
        if piece.kind in (STRAIGHT, BENDING):
            bent = bent or found._replace(kind=BENDING)
        first = first or found
        span_seconds /= 2.0
    return bent or first or NOTHING


def _climbs(piece: _Piece, bent: Growth) -> bool:
    """Whether a window too short to show a rise has the slope of the longer, bending one all the same."""
    return bent.line is not None and piece.line.slope_low > CLIMB_RATIO * bent.line.slope


def _piece(points: Points, deviations: float) -> _Piece:
    """Judge one window as a whole."""
    times, values = points
    line = through(times, values)
    span_seconds = times[-1] - times[0]
    rise = line.slope * span_seconds
    height = max(values) - min(values)
    if height < FLAT_RATIO * max(values):
        return _Piece(FLAT, line)
    if abs(line.agreement_ratio) < NOISE_AGREEMENT_RATIO and height <= NOISE_RANGE_SCATTERS * line.scatter:
        return _Piece(FLAT, line)
    if line.agreement_ratio <= -AGREEMENT_RATIO_MIN:
        return _Piece(DOWN, line)
    if line.agreement_ratio < AGREEMENT_RATIO_MIN or rise <= 0.0:
        return _Piece(UNCLEAR, line)
    half = len(times) // 2
    first = through(times[: half + 1], values[: half + 1]).slope
    second = through(times[half:], values[half:]).slope
    if first <= 0.0 or second > SPEEDING_RATIO_MIN * first:
        return _Piece(UNCLEAR, line)
    # Standard error of the slope through evenly spaced points of a half.
    error = deviations * line.deviation * math.sqrt(12.0 / (half + 1)) / (span_seconds / 2.0)
    return _Piece(
        STRAIGHT if line.scatter <= SCATTER_RATIO_MAX * rise else BENDING,
        line,
        _plateau(line.at_end, first, second, span_seconds),
        _plateau(line.at_end, first + error, second - error, span_seconds),
    )


def _plateau(at_end: float, first: float, second: float, span_seconds: float) -> float:
    """Where growth ends whose slope goes on falling as from `first` to `second` per half span: the sum of the rest."""
    if second >= first:
        return math.inf
    if second <= 0.0:
        return at_end
    decay_per_second = math.log(first / second) / (span_seconds / 2.0)
    slope_at_end = second * math.sqrt(second / first)
    return at_end + slope_at_end / decay_per_second
