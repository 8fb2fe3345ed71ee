"""The time left until a limit, with an interval and a confidence, out of the recent past of one number.

It reads `model.series` at its three scales. At each it first looks for teeth (`analyse.swing`):

- a series that swings is judged by the line through its peaks, and only if the line through its troughs grows too;
- one that does not is judged by its last run (`analyse.growth`), unless the run is just another tooth: not longer than
  the rises that some scale shows, and not above their peaks.

Of several confident answers the one with the narrowest interval is given, unless another is sooner beyond doubt.
`confidence_ratio` is the product of

- the agreement of direction (Kendall's tau over the window's envelope; of peaks and troughs the lesser),
- how long the growth has lasted, as a share of 10 s (at most 1): what is faster is left to the level,
- how far the forecast reaches: 1 up to six times the time lasted, and once more for each minute lasted; then falling,
- 0.75 if the scatter of the points leaves it open that the growth slows down and ends below the limit.

A growth that does slow down so that it would end below the limit is `warming` and has no confidence. A swing faster
than the samples (a period of less than five intervals) looks like noise; its forecasts are off by up to a quarter.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final, NamedTuple

from forestall.analyse import growth
from forestall.analyse.growth import Growth
from forestall.analyse.line import Line, envelope, through
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
LONG_SECONDS: Final = 1800.0
"""A straight growth that has lasted this long is a leak even if its end lies too far off to be told."""
HORIZON_RATIO: Final = 6.0
PEAKS_MIN: Final = 5
DEEP_SWING_RATIO: Final = 0.15
"""A swing so deep is no noise."""
PEAK_DEVIATIONS: Final = 1.0
"""Standard errors granted to the peaks of a deep swing: fewer, because the line through the troughs bears witness."""
SILENT_PERIODS: Final = 2.5
"""A swing that has had no peak for this many periods is over."""
RECENT_PEAKS: Final = 6
TOOTH_RISES: Final = 2.0
"""A run is not longer than the rises before it while it lasts less than this many of their upper three quarters."""
HARMLESS_RATIO: Final = 0.95
"""Earlier rises comfort only if they ended below this share of the limit."""
DOUBT_RATIO: Final = 0.75
"""What remains of the confidence while the growth may, within its errors, be about to end below the limit."""
SWING_RATIO: Final = 0.04
"""A swing of less than this share of the peaks is noise and not worth a name."""
LIKELY_RATIO: Final = 0.7
"""From this confidence on a swing that grows is called growing and not a saw-tooth."""
TIME_RATIO_MIN: Final = 0.5
"""Below this confidence no time is given at all."""
CALM_RATIO: Final = 0.005
SHAPE_OF: Final = {growth.FLAT: STEADY, growth.DOWN: FALLING, growth.BENDING: WARMING, growth.STRAIGHT: GROWING}


class _Look(NamedTuple):
    """One scale: its points, and the swing in them. Windows below `shortest_seconds` are left to the finer scale."""

    scale_seconds: float
    shortest_seconds: float
    points: Points
    swings: Swings


class _Answer(NamedTuple):
    growth: Growth
    confidence_ratio: float
    seconds: float
    seconds_low: float
    seconds_high: float
    scale_seconds: float
    swings: bool = False


def judge(series: Series, limit_bytes: float, now: float) -> Trend:
    """Judge the series against a limit (bytes) at `now` (boottime seconds); costs 0.2 to 0.5 ms."""
    if series.samples < SAMPLES_MIN or now - series.first_time < growth.WINDOW_SECONDS_MIN:
        return NO_TREND
    looks = _looks(series)
    runs = [growth.judge(_last_run(look), limit_bytes, look.shortest_seconds) for look in looks]
    answers: list[_Answer] = []
    for look, run in zip(looks, runs, strict=True):
        if run.kind == growth.STRAIGHT and not _is_tooth(run, series.last, limit_bytes, now, looks):
            answers.append(_straight(run, limit_bytes, series.last, look.scale_seconds, now))
        if len(look.swings.peaks.times) >= PEAKS_MIN:
            answers += _swinging(look, limit_bytes, series.last, now)
    confident = [answer for answer in answers if answer.confidence_ratio >= CONFIDENT_RATIO]
    if confident:
        return _certain(_pick(confident))
    shape = _shape(looks, runs[0], now)
    swinging = [answer for answer in answers if answer.swings and answer.confidence_ratio >= LIKELY_RATIO]
    if swinging:
        return _trend(_pick(swinging), GROWING)
    if answers and shape in (GROWING, STEADY, UNKNOWN):
        likely = max(answers, key=lambda answer: answer.confidence_ratio)
        return _trend(likely, LEAKING if likely.growth.lasted_seconds >= LONG_SECONDS else GROWING)
    return _unsure(runs[0], shape, looks[0].scale_seconds)


def _pick(answers: list[_Answer]) -> _Answer:
    """The best determined answer, or the soonest of those that are sooner beyond its interval."""
    best = min(answers, key=lambda answer: (answer.seconds_high - answer.seconds_low) / max(answer.seconds, 1.0))
    sooner = [answer for answer in answers if answer.seconds_high < best.seconds_low]
    return min(sooner, key=lambda answer: answer.seconds) if sooner else best


def _looks(series: Series) -> list[_Look]:
    """The scales that add something: a coarser ring does only once a finer one has overwritten its past."""
    looks: list[_Look] = []
    shortest_seconds = growth.WINDOW_SECONDS_MIN
    for scale, seconds in enumerate(SCALES_SECONDS):
        points = series.points(scale)
        looks.append(_Look(seconds, shortest_seconds, points, swings(points)))
        shortest_seconds = points.times[-1] - points.times[0]
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


def _is_tooth(run: Growth, last: float, limit: float, now: float, looks: list[_Look]) -> bool:
    """Whether some scale shows rises that this run may be just another of: not longer, and not above their peaks.

    Where such rises have ended at the limit before, that is no comfort.
    """
    for look in looks:
        peaks = look.swings.peaks
        if not peaks.times or max(peaks.values[-RECENT_PEAKS:]) >= limit * HARMLESS_RATIO:
            continue
        top = peaks.values[-1]
        if len(peaks.times) > 1:
            line = through(peaks.times[-RECENT_PEAKS:], peaks.values[-RECENT_PEAKS:])
            top = max(top, line.at_end + line.slope * (now - peaks.times[-1]))
        if run.lasted_seconds <= TOOTH_RISES * look.swings.rise_seconds and last <= top + look.swings.tooth:
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
    deviations = PEAK_DEVIATIONS if look.swings.height_ratio >= DEEP_SWING_RATIO else growth.ERROR_DEVIATIONS
    run = growth.judge(look.swings.peaks, limit, look.shortest_seconds, deviations)
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
    level = _level(run.line, run.end, now)
    if last > level + look.swings.tooth or not _goes_on(look.swings, now):
        return []  # it has left its peaks behind: whatever it does now, they do not tell it
    level = max(last, level)
    answer = _forecast(run, agreement, limit, level, look.scale_seconds)
    later = _to_next_peak(answer.seconds, now - run.end, look.swings.period_seconds)
    return [answer._replace(seconds=answer.seconds + later, seconds_high=answer.seconds_high + later, swings=True)]


def _to_next_peak(seconds: float, since_peak_seconds: float, period_seconds: float) -> float:
    """How much later than the line through the peaks meets the limit the series does: at its next peak.

    No more than half a period is granted, because periods are not all equal and a forecast had better be early.
    """
    beyond_peak_seconds = (seconds + since_peak_seconds) % period_seconds
    return min(period_seconds - beyond_peak_seconds, period_seconds / 2.0)


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
        return STEADY if looks[0].swings.peaks.times else UNKNOWN
    rise = run.line.slope * run.lasted_seconds
    if abs(rise) <= max(3.0 * run.line.scatter, CALM_RATIO * run.line.at_end):
        return STEADY
    return GROWING if rise > 0.0 else FALLING


def _swings_now(swing: Swings, now: float) -> bool:
    """Whether the swing is large enough to be named and still goes on."""
    return swing.height_ratio >= SWING_RATIO and _goes_on(swing, now)


def _goes_on(swing: Swings, now: float) -> bool:
    """Whether the last peak is no further back than two and a half periods."""
    return len(swing.peaks.times) > 1 and now - swing.peaks.times[-1] <= SILENT_PERIODS * swing.period_seconds
