"""One target's past, its limit and its forecast as an inline SVG: points in, text out.

Colours are classes of the page's style sheet. The fan spans the forecast's interval; it is drawn only when the
trend is confident, because a picture is believed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from forestall.model.trend import Trend
from forestall.query.verdict import confident_seconds_left
from forestall.ui.web.markup import escape
from forestall.ui.words import size, span

WIDTH: Final = 360
HEIGHT: Final = 130
LEFT: Final = 44
RIGHT: Final = 8
TOP: Final = 10
BOTTOM: Final = 20
POINTS_MAX: Final = 300
HEADROOM_RATIO: Final = 1.08
FAR_RATIO: Final = 5.0
"""A limit more than so many times the use is named, not drawn: the curve would be a flat line at the bottom."""

FAR_TOP_RATIO: Final = 1.5
"""Room above a curve whose limit is not drawn."""

FORECAST_RATIO: Final = 0.6
"""The forecast may take so much of the past's width at most."""

GAP_INTERVALS: Final = 3.5
GAP_SECONDS: Final = 35.0
"""A pause shorter than three and a half of the slowest usual intervals is no gap: targets at risk are seen ten times
as often as before."""


class Point(NamedTuple):
    """Use and limit at one moment, in seconds before now (0 = now) and bytes."""

    seconds_ago: float
    used_bytes: float
    limit_bytes: float | None


class _Scale(NamedTuple):
    """Where a moment and a size lie in the picture."""

    past_seconds: float
    future_seconds: float
    top_bytes: float

    def x(self, seconds_ago: float) -> float:
        whole = self.past_seconds + self.future_seconds
        return LEFT + (WIDTH - LEFT - RIGHT) * (self.past_seconds - seconds_ago) / whole

    def y(self, value_bytes: float) -> float:
        share = min(1.0, max(0.0, value_bytes / self.top_bytes))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def draw(title: str, points: tuple[Point, ...], limit_bytes: float, trend: Trend | None) -> str:
    """An svg element; `points` oldest first. Without two points it says that there is no history yet."""
    points = _thinned(points)
    if len(points) < 2 or points[0].seconds_ago <= points[-1].seconds_ago:
        return _svg(title, f'<text class="empty" x="{WIDTH // 2}" y="{HEIGHT // 2}">no history yet</text>')
    left_seconds = confident_seconds_left(trend)
    scale = _scale(points, limit_bytes, left_seconds, trend)
    parts = [_axes(scale), _limit(scale, points, limit_bytes)]
    if left_seconds is not None and trend is not None:
        parts.append(_fan(scale, points[-1], limit_bytes, left_seconds, trend))
    parts.append(_curve(scale, points))
    return _svg(title, "".join(parts))


def _thinned(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """At most POINTS_MAX points; of each group the highest, because a thin spike is what kills."""
    group = -(-len(points) // POINTS_MAX)
    if group <= 1:
        return points
    groups = (points[start : start + group] for start in range(0, len(points), group))
    return tuple(max(part, key=lambda point: point.used_bytes) for part in groups)


def _scale(points: tuple[Point, ...], limit_bytes: float, left_seconds: float | None, trend: Trend | None) -> _Scale:
    past_seconds = points[0].seconds_ago
    future_seconds = 0.0
    used_max = max(point.used_bytes for point in points)
    if left_seconds is not None:
        late = trend.time_to_limit_seconds_high if trend and trend.time_to_limit_seconds_high else left_seconds
        future_seconds = min(1.1 * late, FORECAST_RATIO * past_seconds)
    near = limit_bytes <= FAR_RATIO * used_max or left_seconds is not None
    top = max(used_max, limit_bytes) if near else used_max * FAR_TOP_RATIO
    return _Scale(past_seconds, future_seconds, max(1.0, top * HEADROOM_RATIO))


def _axes(scale: _Scale) -> str:
    floor = HEIGHT - BOTTOM
    now_x = scale.x(0.0)
    parts = [f'<path class="axis" d="M{LEFT} {floor}H{WIDTH - RIGHT}"/>']
    for share in (0.0, 0.5, 1.0):
        value = scale.top_bytes / HEADROOM_RATIO * share
        label = size(int(value))
        parts.append(f'<text class="y" x="{LEFT - 4}" y="{scale.y(value) + 3:.1f}">{label}</text>')
        if share:
            parts.append(f'<path class="grid" d="M{LEFT} {scale.y(value):.1f}H{WIDTH - RIGHT}"/>')
    parts.append(f'<text class="x" x="{LEFT}" y="{HEIGHT - 6}">{_about(scale.past_seconds)} ago</text>')
    if scale.future_seconds > 0:
        parts.append(f'<path class="grid" d="M{now_x:.1f} {TOP}V{floor}"/>')
        parts.append(f'<text class="x middle" x="{now_x:.1f}" y="{HEIGHT - 6}">now</text>')
        label = f"in {_about(scale.future_seconds)}"
    else:
        label = "now"
    parts.append(f'<text class="x end" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}">{label}</text>')
    return "".join(parts)


def _about(seconds: float) -> str:
    """A duration for an axis: from a minute on in tens of seconds, so that it stands still while the chart moves."""
    return span(round(seconds, -1) if seconds >= 60 else round(seconds))


def _limit(scale: _Scale, points: tuple[Point, ...], limit_bytes: float) -> str:
    if limit_bytes > scale.top_bytes:
        words = f"limit {size(int(limit_bytes))}, far above"
        return f'<text class="far" x="{WIDTH - RIGHT}" y="{TOP + 4}">{words}</text>'
    levels = [(point.seconds_ago, point.limit_bytes or limit_bytes) for point in points]
    corners = [f"{scale.x(levels[0][0]):.1f} {scale.y(levels[0][1]):.1f}"]
    for (_, before), (seconds_ago, level) in pairwise(levels):
        if level != before:
            corners.append(f"{scale.x(seconds_ago):.1f} {scale.y(level):.1f}")
    corners.append(f"{scale.x(0.0):.1f} {scale.y(limit_bytes):.1f}")
    corners.append(f"{WIDTH - RIGHT} {scale.y(limit_bytes):.1f}")
    return f'<path class="limit" d="M{"L".join(corners)}"/>'


def _fan(scale: _Scale, last: Point, limit_bytes: float, left_seconds: float, trend: Trend) -> str:
    """From the last point to the limit: a dashed line for the forecast, a wedge for its interval."""
    start = f"{scale.x(last.seconds_ago):.1f} {scale.y(last.used_bytes):.1f}"
    soon, late = trend.time_to_limit_seconds_low, trend.time_to_limit_seconds_high
    wedge = ""
    if soon is not None and late is not None:
        reached = min(late, scale.future_seconds)
        corners = [start, _end(scale, last, limit_bytes, soon)]
        if soon < reached:
            corners.append(f"{scale.x(-reached):.1f} {scale.y(limit_bytes):.1f}")
        corners.append(_end(scale, last, limit_bytes, late))
        wedge = f'<path class="fan" d="M{"L".join(corners)}Z"/>'
    line = f'<path class="forecast" d="M{start}L{_end(scale, last, limit_bytes, left_seconds)}"/>'
    return wedge + line


def _end(scale: _Scale, last: Point, limit_bytes: float, seconds: float) -> str:
    """Where the way to the limit in that many seconds leaves the picture, at the latest at the limit."""
    reached = min(seconds, scale.future_seconds)
    share = reached / seconds if seconds > 0 else 1.0
    value = last.used_bytes + (limit_bytes - last.used_bytes) * share
    return f"{scale.x(-reached):.1f} {scale.y(value):.1f}"


def _curve(scale: _Scale, points: tuple[Point, ...]) -> str:
    """The use as a line with an area below; a gap in the samples stays a gap."""
    floor = HEIGHT - BOTTOM
    parts = []
    for run in _runs(points):
        line = "L".join(f"{scale.x(point.seconds_ago):.1f} {scale.y(point.used_bytes):.1f}" for point in run)
        begin, end = scale.x(run[0].seconds_ago), scale.x(run[-1].seconds_ago)
        parts.append(f'<path class="area" d="M{begin:.1f} {floor}L{line}L{end:.1f} {floor}Z"/>')
        parts.append(f'<path class="used" d="M{line}"/>')
    last = points[-1]
    parts.append(
        f'<circle class="last" cx="{scale.x(last.seconds_ago):.1f}" cy="{scale.y(last.used_bytes):.1f}" r="3"/>'
    )
    return "".join(parts)


def _runs(points: tuple[Point, ...]) -> list[list[Point]]:
    steps = sorted(a.seconds_ago - b.seconds_ago for a, b in pairwise(points))
    widest = max(GAP_SECONDS, GAP_INTERVALS * steps[len(steps) // 2])
    runs = [[points[0]]]
    for before, point in pairwise(points):
        if before.seconds_ago - point.seconds_ago > widest:
            runs.append([])
        runs[-1].append(point)
    return runs


def _svg(title: str, inside: str) -> str:
    words = escape(title)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f"<title>{words}</title>{inside}</svg>"
    )
