"""Curves in the terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forestall.ui.cli.plot import BLANK, LIMIT_SIGN, XY, plot

NUMBERS = st.floats(0, 1e15) | st.integers(0, 5)
SERIES = st.lists(st.tuples(st.floats(-1e9, 1e9), NUMBERS), max_size=30).map(sorted)


def dots(lines: list[str]) -> int:
    """How many dots are set."""
    return sum((ord(sign) - BLANK).bit_count() for line in lines for sign in line if ord(sign) > BLANK)


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    """In dots two by four to a character; the bottom is zero."""
    assert plot([(float(x), float(x)) for x in range(9)], 4, 2) == [
        "  ⡠⠊",
        "⡠⠊⠁ ",
    ]


def test_the_limit_is_a_line_above_the_curve() -> None:
    """At its own height, where there is no dot."""
    lines = plot([(0.0, 50.0), (1.0, 50.0)], 10, 4, limit=100.0)
    assert lines[0] == LIMIT_SIGN * 10
    assert dots(lines[2:3]) == 20


def test_a_limit_far_away_is_not_drawn() -> None:
    """It would press the curve to the bottom."""
    assert plot([(0.0, 1.0), (1.0, 2.0)], 8, 3, limit=1000.0) == plot([(0.0, 1.0), (1.0, 2.0)], 8, 3)


def test_a_forecast_is_dotted() -> None:
    """Half as many dots as a line of the same length that has happened."""
    past, ahead = [(0.0, 1.0), (10.0, 1.0)], [(10.0, 1.0), (20.0, 1.0)]
    lines = plot(past, 20, 2, forecast=ahead)
    left, right = [line[:10] for line in lines], [line[10:] for line in lines]
    assert dots(left) == 20
    assert dots(right) == 10


def test_a_gap_stays_open() -> None:
    """Where nothing was seen nothing is drawn."""
    points: list[XY] = [(float(x), 1.0) for x in (0, 1, 2, 3, 17, 18, 19, 20)]
    (line,) = plot(points, 20, 1)
    assert line[5:15] == " " * 10
    assert " " not in line[:3] + line[18:]


def test_a_spike_of_one_point_is_seen() -> None:
    """However many points share its column."""
    points = [(float(x), 100.0 if x == 5000 else 1.0) for x in range(10_000)]
    assert dots(plot(points, 20, 4)[:1]) > 0


def test_nothing_to_draw_is_blank() -> None:
    """The same size as any other plot."""
    assert plot([], 5, 2) == ["     ", "     "]
    assert plot([(1.0, 1.0)], 0, 0) == []


@given(SERIES, st.integers(1, 40), st.integers(1, 12), st.none() | NUMBERS, st.none() | SERIES)
def test_any_points_give_lines_of_that_size(
    points: list[XY], width: int, height: int, limit: float | None, forecast: list[XY] | None
) -> None:
    """Exactly as many lines, exactly as wide, of blanks, dots and the limit's sign; every point leaves a dot."""
    lines = plot(points, width, height, limit, forecast)
    assert [len(line) for line in lines] == [width] * height
    assert all(sign in (" ", LIMIT_SIGN) or BLANK < ord(sign) <= BLANK + 0xFF for line in lines for sign in line)
    assert (dots(lines) > 0) == bool(points) or bool(forecast)
