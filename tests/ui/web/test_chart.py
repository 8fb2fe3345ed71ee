"""A chart shows use, limit and forecast where they are, and stays well-formed whatever comes in."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.trend import Trend
from forestall.ui.web.chart import HEIGHT, POINTS_MAX, RIGHT, WIDTH, Point, draw
from tests.support.frames import GIB, LEAK, MIB

LIMIT = 512.0 * MIB
RISE = tuple(Point(600.0 - i * 10, (100 + i * 3) * float(MIB), LIMIT) for i in range(61))


def parts(svg: str) -> dict[str, list[ET.Element]]:
    """The elements of the picture by their class."""
    found: dict[str, list[ET.Element]] = {}
    for element in ET.fromstring(svg).iter():
        found.setdefault(element.get("class", element.tag), []).append(element)
    return found


def corners(path: str) -> list[tuple[float, float]]:
    """The points of a path of absolute lines."""
    pairs = path.removeprefix("M").removesuffix("Z").split("L")
    return [(float(pair.split()[0]), float(pair.split()[1])) for pair in pairs]


def test_use_rises_from_left_to_right_below_the_limit() -> None:
    """The curve goes up to the right, and the limit's line is above all of it."""
    found = parts(draw("api", RISE, LIMIT, None))
    curve = corners(found["used"][0].attrib["d"])
    limit = corners(found["limit"][0].attrib["d"])
    assert [x for x, _ in curve] == sorted(x for x, _ in curve)
    assert curve[0][1] > curve[-1][1] > limit[0][1]
    assert "fan" not in found


def test_the_forecast_meets_the_limit_between_now_and_the_edge() -> None:
    """A confident trend is a dashed line to the limit's height, in a fan that opens from the last point."""
    found = parts(draw("api", RISE, LIMIT, LEAK))
    forecast = corners(found["forecast"][0].attrib["d"])
    last = (float(found["last"][0].attrib["cx"]), float(found["last"][0].attrib["cy"]))
    limit_y = corners(found["limit"][0].attrib["d"])[0][1]
    assert forecast[0] == last
    assert forecast[1][1] == limit_y
    assert last[0] < forecast[1][0] <= WIDTH - RIGHT
    fan = corners(found["fan"][0].attrib["d"])
    assert fan[0] == last
    assert min(x for x, _ in fan[1:]) < forecast[1][0] < max(x for x, _ in fan)


def test_an_unsure_forecast_is_not_drawn() -> None:
    """A picture is believed, so a guess is none."""
    assert "fan" not in parts(draw("api", RISE, LIMIT, LEAK._replace(confidence_ratio=0.5)))


def test_a_limit_far_above_is_named_instead_of_drawn() -> None:
    """Under the host's limit a small service still shows its shape."""
    found = parts(draw("api", RISE, 64.0 * GIB, None))
    assert "limit" not in found
    assert found["far"][0].text == "limit 64Gi, far above"


def test_a_limit_that_moved_has_its_step() -> None:
    """A sibling that eats the parent lowers the line at that moment, not before."""
    lowered = tuple(point._replace(limit_bytes=LIMIT / 2) if point.seconds_ago < 300 else point for point in RISE)
    line = corners(parts(draw("api", lowered, LIMIT / 2, None))["limit"][0].attrib["d"])
    assert line[0][1] < line[-1][1]


def test_a_gap_in_the_samples_stays_a_gap() -> None:
    """What was not seen is not drawn as if it had been."""
    gapped = tuple(point for point in RISE if not 200 < point.seconds_ago < 400)
    assert len(parts(draw("api", gapped, LIMIT, None))["used"]) == 2


def test_a_faster_pace_makes_no_gaps() -> None:
    """Ten seconds between samples before a target was at risk, one after: the line is whole."""
    faster = tuple(Point(50.0 - i, 400.0 * MIB, LIMIT) for i in range(51))
    assert len(parts(draw("api", RISE[:55] + faster, LIMIT, None))["used"]) == 1


def test_a_thin_spike_survives_thinning() -> None:
    """Of many points few are drawn, and the highest is among them."""
    many = [Point(5000.0 - i, 100.0 * MIB, LIMIT) for i in range(5000)]
    many[2345] = many[2345]._replace(used_bytes=500.0 * MIB)
    curve = corners(parts(draw("api", tuple(many), LIMIT, None))["used"][0].attrib["d"])
    assert len(curve) <= POINTS_MAX
    assert min(y for _, y in curve) < HEIGHT / 4


@pytest.mark.parametrize("points", [(), RISE[:1], (RISE[0], RISE[0])])
def test_too_few_points_say_so(points: tuple[Point, ...]) -> None:
    """No past is said in words, not drawn as zero."""
    assert parts(draw("api", points, LIMIT, LEAK))["empty"][0].text == "no history yet"


def test_names_cannot_break_out() -> None:
    """A name with markup is the picture's label, letter by letter."""
    name = '"><script>alert(1)</script>'
    root = ET.fromstring(draw(name, RISE, LIMIT, None))
    assert root.attrib["aria-label"] == name
    assert not root.findall(".//script")


SIZES = st.floats(0, 2**62)
SECONDS = st.none() | st.floats(0, 1e7)


@given(
    st.lists(st.tuples(st.floats(0, 1e7), SIZES, st.none() | SIZES), max_size=20),
    SIZES,
    st.builds(
        LEAK._replace,
        time_to_limit_seconds=SECONDS,
        time_to_limit_seconds_low=SECONDS,
        time_to_limit_seconds_high=SECONDS,
    ),
)
def test_any_numbers_make_a_picture(rows: list[tuple[float, float, float | None]], limit: float, trend: Trend) -> None:
    """Whatever was measured, the picture is well-formed and inside its frame."""
    points = tuple(Point(*row) for row in sorted(rows, key=lambda row: -row[0]))
    found = parts(draw("x", points, limit, trend))
    for kind in ("used", "limit", "forecast", "fan"):
        for element in found.get(kind, []):
            for x, y in corners(element.attrib["d"]):
                assert 0 <= x <= WIDTH
                assert 0 <= y <= HEIGHT
