"""The time left until a limit, with an interval and a confidence, out of the recent past of one number.

It reads `model.series` at its three scales. At each it first looks for teeth (`analyse.swing`):

- a series that swings is judged by the line through its peaks, and only if the line through its troughs grows too;
- one that does not is judged by its last run (`analyse.growth`), unless the run is just another tooth: shorter than
  one and a half periods of a swing that some scale shows, and not above that swing's peaks.

Of several confident answers the most urgent is given. `confidence_ratio` is the product of

- the agreement of direction (Kendall's tau over the window's envelope; of peaks and troughs the lesser),
- how long the growth has lasted, as a share of 10 s (at most 1): what is faster is left to the level,
- how far the forecast reaches: 1 up to six times the time lasted, and once more for each minute lasted; then falling.

A growth that slows down so that it would end below the limit is `warming`, and never confident.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final, NamedTuple

from forestall.analyse import growth
from forestall.analyse.growth import Growth
from forestall.analyse.line import POINTS_MAX, Line, envelope, through
from forestall.analyse.swing import Swings, swings
from forestall.model.series import SCALES_SECONDS, Points, Series
from forestall.model.trend import (
    CONFIDENT_RATIO,
    FALLING,
    GROWING,
    LEAKING,
    NO_TREND,
    SAW_TOOTH,
    STEADY,
    UNKNOWN,
    WARMING,
    Trend,
)

SAMPLES_MIN: Final = 5
LASTED_SECONDS: Final = 10.0
LEAKING_SECONDS: Final = 60.0
"""A confident growth is called a leak once it has lasted this long."""
HORIZON_RATIO: Final = 6.0
PEAKS_MIN: Final = 4
TOOTH_PERIODS: Final = 1.5
DOUBT_RATIO: Final = 0.75
"""What remains of the confidence while the growth may, within its errors, be about to end below the limit."""
SWING_RATIO: Final = 0.04
"""A swing of less than this share of the peaks is noise and not worth a name."""
TIME_RATIO_MIN: Final = 0.5
"""Below this confidence no time is given at all."""
CALM_RATIO: Final = 0.005
SHAPE_OF: Final = {growth.FLAT: STEADY, growth.DOWN: FALLING, growth.BENDING: WARMING, growth.STRAIGHT: GROWING}


class _Look(NamedTuple):
    """One scale: its points, and the swing in them."""

    scale_seconds: float
    points: Points
    swings: Swings


class _Answer(NamedTuple):
    growth: Growth
    confidence_ratio: float
    seconds: float
    seconds_low: float
    seconds_high: float
    scale_seconds: float


def judge(series: Series, limit_bytes: float, now: float) -> Trend:
    """Judge the series against a limit (bytes) at `now` (boottime seconds); costs at most some 300 us."""
    if series.samples < SAMPLES_MIN or now - series.first_time < growth.WINDOW_SECONDS_MIN:
        return NO_TREND
    looks = _looks(series)
    runs = [growth.judge(_last_run(look), limit_bytes) for look in looks]
    answers: list[_Answer] = []
    for look, run in zip(looks, runs, strict=True):
        if run.kind == growth.STRAIGHT and not _is_tooth(run, series.last, now, looks):
            answers.append(_straight(run, limit_bytes, series.last, look.scale_seconds, now))
        if len(look.swings.peaks.times) >= PEAKS_MIN:
            answers += _swinging(look, limit_bytes, series.last, now)
    confident = [answer for answer in answers if answer.confidence_ratio >= CONFIDENT_RATIO]
    if confident:
        return _certain(min(confident, key=lambda answer: answer.seconds))
    shape = _shape(looks, runs[0], now)
    if answers and shape in (GROWING, STEADY, UNKNOWN):
        return _trend(max(answers, key=lambda answer: answer.confidence_ratio), GROWING)
    return _unsure(runs[0], shape, looks[0].scale_seconds)


def _looks(series: Series) -> list[_Look]:
    """The scales that add something: a coarser ring does only once a finer one has overwritten its past."""
    looks = []
    for scale, seconds in enumerate(SCALES_SECONDS):
        points = series.points(scale)
        looks.append(_Look(seconds, points, swings(points)))
        if not series.rings[scale].full:
            break
    return looks


def _last_run(look: _Look) -> Points:
    """What came after the last fall: from the lowest point since the last peak."""
    if not look.swings.peaks.times:
        return look.points
    times, values = look.points
    begin = bisect_left(times, look.swings.peaks.times[-1])
    lowest = min(range(begin, len(values)), key=values.__getitem__)
    return Points(times[lowest:], values[lowest:])


def _is_tooth(run: Growth, last: float, now: float, looks: list[_Look]) -> bool:
    """Whether some scale shows a swing that this run may be just another rise of."""
    for look in looks:
        peaks, troughs = look.swings.peaks, look.swings.troughs
        if not peaks.times:
            continue
        if len(peaks.times) > 1:
            period_seconds = look.swings.period_seconds
            top = through(peaks.times[-POINTS_MAX:], peaks.values[-POINTS_MAX:])
            level = max(peaks.values[-1], top.at_end + max(0.0, top.slope) * (now - peaks.times[-1]))
        else:
            period_seconds = (troughs.times[-1] if troughs.times else now) - look.points.times[0]
            level = peaks.values[0]
        if run.lasted_seconds <= TOOTH_PERIODS * period_seconds and last <= level + look.swings.tooth:
            return True
    return False


def _straight(run: Growth, limit: float, last: float, scale_seconds: float, now: float) -> _Answer:
    """The forecast of a run: its line, extended."""
    assert run.line is not None
    return _forecast(run, run.line.agreement_ratio, limit, max(last, _level(run.line, run.end, now)), scale_seconds)


def _level(line: Line, end: float, now: float) -> float:
    return line.at_end + line.slope * (now - end)


def _swinging(look: _Look, limit: float, last: float, now: float) -> list[_Answer]:
    """The forecast of a swing: the line through its peaks, if the troughs grow with them."""
    run = growth.judge(look.swings.peaks, limit)
    if run.kind != growth.STRAIGHT or run.line is None:
        return []
    times, values = look.swings.troughs
    begin = bisect_left(times, look.swings.peaks.times[-1] - run.lasted_seconds)
    if len(times) - begin < PEAKS_MIN - 1:
        return []
    floor = envelope(Points(times[begin:], values[begin:]), lower=True)
    if len(floor.times) < PEAKS_MIN - 1:
        return []
    lower = through(*floor)
    agreement = min(run.line.agreement_ratio, lower.agreement_ratio)
    level = max(last, _level(run.line, run.end, now))
    return [_forecast(run, agreement, limit, level, look.scale_seconds)]


def _forecast(run: Growth, agreement_ratio: float, limit: float, level: float, scale_seconds: float) -> _Answer:
    """Time left on the run's line from `level`, and how sure that is (see the module's text)."""
    assert run.line is not None
    left = max(0.0, limit - level)
    slope = run.line.slope
    seconds = left / slope
    slowest = run.line.slope_low
    reach = HORIZON_RATIO + run.lasted_seconds / 60.0
    confidence = (
        max(0.0, agreement_ratio)
        * min(1.0, run.lasted_seconds / LASTED_SECONDS)
        * min(1.0, reach * run.lasted_seconds / max(seconds, 1e-9))
        * (1.0 if run.plateau_low >= limit else DOUBT_RATIO)
    )
    return _Answer(
        run,
        confidence,
        seconds,
        left / max(run.line.slope_high, slope),
        left / slowest if slowest > 0.0 else math.inf,
        scale_seconds,
    )


def _trend(answer: _Answer, shape: str) -> Trend:
    run = answer.growth
    assert run.line is not None
    known = answer.confidence_ratio >= TIME_RATIO_MIN
    return Trend(
        run.line.slope,
        answer.seconds if known else None,
        answer.seconds_low if known else None,
        answer.seconds_high if known and answer.seconds_high < math.inf else None,
        answer.confidence_ratio,
        shape,
        run.lasted_seconds,
        run.points,
        answer.scale_seconds,
    )


def _certain(answer: _Answer) -> Trend:
    return _trend(answer, LEAKING if answer.growth.lasted_seconds >= LEAKING_SECONDS else GROWING)


def _unsure(run: Growth, shape: str, scale_seconds: float) -> Trend:
    slope = run.line.slope if run.line is not None else 0.0
    return Trend(slope, None, None, None, 0.0, shape, run.lasted_seconds, run.points, scale_seconds)


def _shape(looks: list[_Look], run: Growth, now: float) -> str:
    """Name what is not a confident growth."""
    if any(_swings_now(look.swings, now) for look in looks):
        return SAW_TOOTH
    if run.kind in SHAPE_OF:
        return SHAPE_OF[run.kind]
    if run.line is None:
        return UNKNOWN
    rise = run.line.slope * run.lasted_seconds
    if abs(rise) <= max(3.0 * run.line.scatter, CALM_RATIO * run.line.at_end):
        return STEADY
    return GROWING if rise > 0.0 else FALLING


def _swings_now(swing: Swings, now: float) -> bool:
    """Whether the swing is large enough to be named and still goes on."""
    peaks, troughs = swing.peaks, swing.troughs
    if len(peaks.times) < 2 or not troughs.times:
        return False
    height = peaks.values[-1] - troughs.values[-1]
    return height >= SWING_RATIO * peaks.values[-1] and now - peaks.times[-1] <= 2.5 * swing.period_seconds
