"""What a target did over time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.action import Deed, Outcome
from forestall.model.capture import Capture
from forestall.model.errors import Absent, Misuse
from forestall.model.finding import Finding, Severity
from forestall.model.frame import Frame
from forestall.model.target import PROCESS, Target
from forestall.query.history import Point, downsample, history, metrics, now_wall_seconds
from forestall.query.times import Span
from forestall.store.disk import Store
from tests.support.frames import MIB, kill, reading
from tests.support.stores import BEGIN_WALL_SECONDS, Judged, fill, growing

HOUR = Span(BEGIN_WALL_SECONDS, BEGIN_WALL_SECONDS + 3600)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten minutes of api.service and db.service."""
    directory = tmp_path_factory.mktemp("state")
    fill(str(directory), 60).close()
    return str(directory)


@pytest.mark.parametrize(
    "wanted",
    [
        *("api.service", "api", "/system.slice/api.service", "/system.slice/api.service#7", "unit:api.service"),
        *("pi.serv", "ap"),
    ],
)
def test_a_target_is_found_by_any_of_its_names(state: str, wanted: str) -> None:
    """Name, name without its suffix, path, identity, kind and name, or a part that only one name has."""
    found = history(state, wanted, HOUR)
    assert found.target.name == "api.service"
    assert [point.last / MIB for point in found.points] == [100 + index for index in range(60)]
    assert {point.last / MIB for point in found.limits} == {2000}


@pytest.mark.parametrize(
    ("wanted", "hint"), [("apo.service", "did you mean api.service"), ("service", "api.service"), ("zz", "--since")]
)
def test_a_target_that_was_not_seen_is_absent_with_the_nearest(state: str, wanted: str, hint: str) -> None:
    """Also a part of several names."""
    with pytest.raises(Absent) as caught:
        history(state, wanted, HOUR)
    assert hint in caught.value.remedy


def test_a_process_is_found_by_its_pid(tmp_path: Path) -> None:
    """And not by a pid that only begins with the same digits."""
    tree = reading("x")._replace(target=Target(PROCESS, "812@99", "java"))
    moment = growing(0)[0].moment
    store = Store(str(tmp_path))
    store.append(Frame(moment, growing(0)[0].host, (tree,)), Judged({}))
    store.close()
    assert history(str(tmp_path), "812", HOUR).target == tree.target
    with pytest.raises(Absent):
        history(str(tmp_path), "81", HOUR)


def test_the_host_has_a_history_too(state: str) -> None:
    """By the name host."""
    found = history(state, "host", HOUR, "headroom")
    assert len(found.points) == 60
    assert found.limits == ()


def test_a_metric_that_is_not_known_is_refused_with_those_that_are(state: str) -> None:
    """Every known one can be asked for."""
    with pytest.raises(Misuse, match="used, limit"):
        history(state, "api", HOUR, "heat")
    for metric in metrics():
        assert history(state, "api", HOUR, metric).metric == metric


def test_what_happened_to_the_target_stands_beside_it(tmp_path: Path) -> None:
    """Findings, outcomes, captures and kills of it or below it, not those of others."""
    store = fill(str(tmp_path), 10)
    frame = growing(3)[0]
    api, db = (reading.target for reading in frame.readings)
    wall = frame.moment.wall_seconds
    store.finding(Finding("x", api, Severity.WARNING, "4 minutes left", (), 1030.0), frame.moment)
    store.finding(Finding("x", db, Severity.WARNING, "another", (), 1030.0), frame.moment)
    store.outcome(Outcome("a", api, Deed("restart"), "done", "took 2 s", 1031.0, 2.0), frame.moment)
    store.capture(Capture("c", api, 1032.0, wall + 2, "4 minutes left", 1, True, ()))
    store.kill(kill("api.service")._replace(wall_seconds=wall + 3, victim_path="/system.slice/api.service/worker"))
    store.kill(kill("api.service-2")._replace(wall_seconds=wall + 4))
    store.close()
    assert [(mark.kind, mark.words) for mark in history(str(tmp_path), "api", HOUR).marks] == [
        ("finding", "4 minutes left"),
        ("outcome", "restart: done, took 2 s"),
        ("capture", "captured: 4 minutes left"),
        ("kill", "the kernel killed leaker (pid 812)"),
    ]


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 100)), min_size=1, max_size=80).map(sorted), st.integers(1, 20)
)
def test_thinned_points_keep_what_matters(series: list[tuple[float, int]], points_max: int) -> None:
    """No more than asked for, in order, the extremes and the last value among them."""
    points = [Point(at, float(value), float(value), float(value)) for at, value in series]
    thinned = downsample(points, points_max)
    assert len(thinned) <= max(points_max, 1)
    assert min(point.low for point in thinned) == min(point.low for point in points)
    assert max(point.high for point in thinned) == max(point.high for point in points)
    assert thinned[-1].last == points[-1].last
    assert [point.wall_seconds for point in thinned] == sorted(point.wall_seconds for point in thinned)


def test_few_points_stay_as_they_are() -> None:
    """And none stay none."""
    points = [Point(1.0, 1.0, 2.0, 1.5)]
    assert downsample(points, 5) == tuple(points)
    assert downsample([], 5) == ()


def test_the_time_it_is_comes_from_the_clock() -> None:
    """After this was written."""
    assert now_wall_seconds() > 1_750_000_000
