"""A curve in the terminal: braille dots, two by four to a character, with a line for the limit and one for a forecast.

Pure: points in, lines of text out. Where a character covers many points, the column is filled from the lowest to
the highest, so a thin spike stays visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

XY = tuple[float, float]
"""One point: where (any unit, such as wall seconds) and how much."""

DOTS_ACROSS: Final = 2
DOTS_DOWN: Final = 4
BLANK: Final = 0x2800
LIMIT_SIGN: Final = "─"
FORECAST_DOTS: Final = 2
"""A forecast shows every second dot: a picture is believed, and this one has not happened yet."""

_BITS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Unicode's numbering of the eight dots, by column and row from above."""

Dots = set[tuple[int, int]]


def plot(
    points: Sequence[XY],
    width: int,
    height: int,
    limit: float | None = None,
    forecast: Sequence[XY] | None = None,
) -> list[str]:
    """`height` lines of `width` characters, the highest value above; the bottom is zero.

    `points` and `forecast` are (x, y) in order of x. The limit is drawn when it is less than five times the
    highest value: the curve would be a flat line at the bottom otherwise. Two breaks in the points that are three
    times as far apart as usual are not joined. No points: blank lines.
    """
    ahead = list(forecast or ())
    every = [*points, *ahead]
    if not every or width < 1 or height < 1:
        return [" " * max(0, width)] * max(0, height)
    highest = max(y for _, y in every)
    shown_limit = limit if limit is not None and 0 < limit <= 5 * max(highest, 1e-9) else None
    canvas = _Canvas(every, max(highest, shown_limit or 0.0) * 1.02, width, height)
    solid = _curve(points, canvas)
    dotted = {dot for dot in _curve(ahead, canvas) if dot[0] % FORECAST_DOTS == 0}
    limit_row = None if shown_limit is None else canvas.down(shown_limit) // DOTS_DOWN
    return [_line(row, width, solid | dotted, row == limit_row) for row in range(height)]


class _Canvas:
    """Where a point lies in dots, from the left and from above."""

    def __init__(self, points: Sequence[XY], top: float, width: int, height: int) -> None:
        self._begin = min(x for x, _ in points)
        self._length = max(x for x, _ in points) - self._begin
        self._top = top
        self._across = width * DOTS_ACROSS - 1
        self._down = height * DOTS_DOWN - 1

    def across(self, x: float) -> int:
        return round((x - self._begin) / self._length * self._across) if self._length else 0

    def down(self, y: float) -> int:
        share = min(1.0, max(0.0, y / self._top)) if self._top > 0 else 0.0
        return self._down - round(share * self._down)


def _curve(points: Sequence[XY], canvas: _Canvas) -> Dots:
    dots: Dots = set()
    gap = _gap(points)
    before: XY | None = None
    for point in points:
        joined = before is not None and point[0] - before[0] <= gap
        dots |= _stroke(canvas, before if joined and before is not None else point, point)
        before = point
    return dots


def _gap(points: Sequence[XY]) -> float:
    """How far apart two neighbours may be and still belong together: three times the usual distance."""
    places = sorted({x for x, _ in points})
    distances = sorted(right - left for left, right in pairwise(places))
    return 3 * distances[len(distances) // 2] if distances else 0.0


def _stroke(canvas: _Canvas, start: XY, end: XY) -> Dots:
    """The dots from one point to the next, without holes in height."""
    left, right = canvas.across(start[0]), canvas.across(end[0])
    dots: Dots = set()
    last = canvas.down(start[1])
    for across in range(left, right + 1):
        share = (across - left) / (right - left) if right > left else 1.0
        down = canvas.down(start[1] + (end[1] - start[1]) * share)
        towards = 1 if down > last else -1
        dots.update((across, row) for row in range(last + towards, down, towards))
        dots.add((across, down))
        last = down
    return dots


def _line(row: int, width: int, dots: Dots, has_limit: bool) -> str:
    return "".join(_sign(column, row, dots, has_limit) for column in range(width))


def _sign(column: int, row: int, dots: Dots, has_limit: bool) -> str:
    pattern = 0
    for across in range(DOTS_ACROSS):
        for down in range(DOTS_DOWN):
            if (column * DOTS_ACROSS + across, row * DOTS_DOWN + down) in dots:
                pattern |= _BITS[across][down]
    if pattern:
        return chr(BLANK + pattern)
    return LIMIT_SIGN if has_limit else " "
