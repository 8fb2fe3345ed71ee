"""The charts' past comes from the store once and from the looks after that."""

from __future__ import annotations

from pathlib import Path

import pytest

from forestall.engine.tick import Ticked
from forestall.model.errors import Absent
from forestall.model.frame import Reading
from forestall.query.now import Now
from forestall.query.views import ServiceRow, table
from forestall.store import disk
from forestall.ui.web.past import KEPT_SECONDS, SERIES_MAX, Past, Sample, join, recorded
from tests.support import frames
from tests.support.frames import MIB

WALL_SECONDS = frames.MOMENT.wall_seconds


class Store:
    """A store that remembers what was asked of it."""

    def __init__(self, *samples: Sample) -> None:
        self.samples = samples
        self.asked: list[tuple[str, float, float]] = []

    def read(self, identity: str, since: float, until: float) -> tuple[Sample, ...]:
        """The samples, whatever the span."""
        self.asked.append((identity, since, until))
        return self.samples


def at(seconds: float, *readings: Reading) -> Now:
    """A look that many seconds after MOMENT."""
    now = frames.now(*readings)
    moment = frames.MOMENT._replace(wall_seconds=WALL_SECONDS + seconds)
    return now._replace(frame=now.frame._replace(moment=moment))


def row(reading: Reading) -> ServiceRow:
    """The table's row of a reading."""
    return table(frames.now(reading)).services[0]


def test_the_store_is_asked_once_and_looks_are_added() -> None:
    """The first chart reads ten minutes; after that each look adds a point and the store rests."""
    store = Store(Sample(WALL_SECONDS - 20, 1.0, None), Sample(WALL_SECONDS - 10, 2.0, 9.0))
    past = Past(store.read)
    first = past.recent(row(frames.reading("a.service")), WALL_SECONDS)
    assert [(point.seconds_ago, point.limit_bytes) for point in first] == [(20, None), (10, 9.0), (0, 512.0 * MIB)]
    past.remember(at(2, frames.reading("a.service", used_bytes=5), frames.reading("b.service")))
    second = past.recent(row(frames.reading("a.service", used_bytes=6)), WALL_SECONDS + 4)
    assert [(point.seconds_ago, point.used_bytes) for point in second][-2:] == [(2, 5), (0, 6)]
    assert store.asked == [("/system.slice/a.service#7", WALL_SECONDS - KEPT_SECONDS, WALL_SECONDS)]


def test_the_same_look_twice_is_one_point() -> None:
    """Many viewers of one look do not make the chart denser."""
    past = Past(Store().read)
    for _ in range(3):
        points = past.recent(row(frames.reading("a.service")), WALL_SECONDS)
    assert len(points) == 1


def test_after_a_pause_the_store_knows_better() -> None:
    """When nobody looked for a minute, the minute is read from the store."""
    store = Store()
    past = Past(store.read)
    past.recent(row(frames.reading("a.service")), WALL_SECONDS)
    past.recent(row(frames.reading("a.service")), WALL_SECONDS + 60)
    assert len(store.asked) == 2


def test_old_points_and_old_targets_go() -> None:
    """A chart keeps ten minutes, and only the targets asked for last are kept."""
    store = Store()
    past = Past(store.read)
    reading = frames.reading("a.service")
    for seconds in range(0, 700, 20):
        points = past.recent(row(reading), WALL_SECONDS + seconds)
    assert points[0].seconds_ago == KEPT_SECONDS
    for number in range(SERIES_MAX):
        past.recent(row(frames.reading(f"s{number}")), WALL_SECONDS + 700)
    asked = len(store.asked)
    past.recent(row(reading), WALL_SECONDS + 701)
    assert len(store.asked) == asked + 1


def test_any_span_is_read_from_the_store() -> None:
    """The API's spans do not depend on what the charts remember."""
    store = Store(Sample(WALL_SECONDS - 50, 1.0, 2.0))
    points = Past(store.read).between(row(frames.reading("a.service")), 100.0, WALL_SECONDS)
    assert [tuple(point) for point in points] == [(50.0, 1.0, 2.0)]
    assert store.asked[0][1] == WALL_SECONDS - 100


def test_each_use_has_the_limit_of_its_time() -> None:
    """A limit holds until the next one; before the first one, that."""
    used = [(1.0, 10.0), (2.0, 11.0), (3.0, 12.0)]
    assert [sample.limit_bytes for sample in join(used, [(1.5, 100.0), (3.0, 50.0)])] == [100.0, 100.0, 50.0]
    assert [sample.limit_bytes for sample in join(used, [])] == [None, None, None]


def test_without_a_store_a_chart_begins_with_the_look(tmp_path: Path) -> None:
    """No directory and an empty one have no past: a chart starts now, and a question for a span is answered so."""
    for state in (tmp_path, tmp_path / "nowhere"):
        past = Past(recorded(str(state)))
        assert len(past.recent(row(frames.reading("a.service")), WALL_SECONDS)) == 1
        with pytest.raises(Absent):
            past.between(row(frames.reading("a.service")), 60.0, WALL_SECONDS)


def test_the_store_of_an_agent_is_read(tmp_path: Path) -> None:
    """What the agent's writer appended comes back as samples with their limits, oldest first."""
    store = disk.Store(str(tmp_path))
    begin = frames.MOMENT
    for step in range(3):
        moment = begin._replace(
            boottime_seconds=begin.boottime_seconds + 10.0 * step, wall_seconds=WALL_SECONDS + 10.0 * step
        )
        reading = frames.reading("a.service", used_bytes=(100 + step) * MIB)
        store.append(frames.frame(reading)._replace(moment=moment), Ticked((), {}))
    store.close()
    samples = recorded(str(tmp_path))("/system.slice/a.service#7", WALL_SECONDS - 5, WALL_SECONDS + 25)
    assert samples == tuple(Sample(WALL_SECONDS + 10.0 * step, (100.0 + step) * MIB, 512.0 * MIB) for step in range(3))
