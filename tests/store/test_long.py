"""Coarser tiers out of finer ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forestall.store import files
from forestall.store.disk import Store
from forestall.store.long import compact, pending
from forestall.store.reader import Reader
from forestall.store.schema import LONG, YEAR
from forestall.store.series import HOST_TARGET, LONG_METRICS
from tests.support.frames import GIB, MIB
from tests.support.stores import BEGIN_WALL_SECONDS, fill, growing

ALWAYS = 9e9
API = "api.service"


def hours(directory: Path, count: int) -> None:
    """Some hours of frames in sealed files, and nothing made of them yet."""
    fill(str(directory), count * 360).close()
    for file in files.listing(str(directory)):
        assert files.seal(str(directory), file.name)


def everything(directory: Path) -> None:
    """Make of every finished file what can be made."""
    while (file := pending(str(directory))) is not None:
        for _ in compact(str(directory), file):
            pass


def used(directory: Path, step_seconds: float, name: str = API) -> list[tuple[float, float, float, float]]:
    """The points of a target's use: seconds after midnight, and MiB."""
    choose = (lambda target: target == HOST_TARGET) if name == "host" else (lambda target: target.name == name)
    _, found = Reader(str(directory)).points(choose, ("used",), 0, ALWAYS, step_seconds)
    return [
        (point.wall_seconds - BEGIN_WALL_SECONDS, point.low / MIB, point.high / MIB, point.last / MIB)
        for point in found["used"]
    ]


def test_an_hour_of_frames_becomes_series_that_say_the_same(tmp_path: Path) -> None:
    """After the raw frames are gone, every 10 s point is there, also the host's."""
    hours(tmp_path, 2)
    before = used(tmp_path, 0.0)
    everything(tmp_path)
    for file in files.listing(str(tmp_path)):
        if file.tier == "recent":
            files.remove(str(tmp_path), file.name)
    assert used(tmp_path, 0.0) == before
    assert len(before) == 720
    assert used(tmp_path, 0.0, "host")[5] == (50.0, 3 * GIB / MIB, 3 * GIB / MIB, 3 * GIB / MIB)


def test_frames_that_are_still_there_are_not_shown_twice(tmp_path: Path) -> None:
    """With both tiers present each moment appears once, in either resolution."""
    hours(tmp_path, 2)
    before = used(tmp_path, 0.0)
    everything(tmp_path)
    assert used(tmp_path, 0.0) == before
    assert used(tmp_path, 60.0) == before


def test_overviews_come_from_the_summaries_of_chunks(tmp_path: Path) -> None:
    """One point an hour with lowest, highest and last, and no chunk is opened for it."""
    hours(tmp_path, 2)
    everything(tmp_path)
    assert used(tmp_path, 3600.0) == [(0.0, 100, 459, 459), (3600.0, 460, 819, 819)]


def test_points_a_second_apart_are_gathered_to_ten_seconds(tmp_path: Path) -> None:
    """Targets at risk are recorded each second; the coarser tier keeps their extremes."""
    store = Store(str(tmp_path))
    for index in range(60):
        store.append(*growing(index, 1.0))
    store.close()
    for file in files.listing(str(tmp_path)):
        files.seal(str(tmp_path), file.name)
    everything(tmp_path)
    assert used(tmp_path, 10.0) == [(10.0 * ten, 100 + 10 * ten, 109 + 10 * ten, 109 + 10 * ten) for ten in range(6)]


def test_a_day_of_series_becomes_five_minutes_of_a_year(tmp_path: Path) -> None:
    """When the day's file is sealed, too; the year's tier tells what is left after the day is forgotten."""
    hours(tmp_path, 2)
    everything(tmp_path)
    day = next(file for file in files.listing(str(tmp_path)) if file.tier == LONG)
    assert files.seal(str(tmp_path), day.name)
    everything(tmp_path)
    assert Reader(str(tmp_path)).sources(YEAR) == {day.name}
    for file in files.listing(str(tmp_path)):
        if file.tier != YEAR:
            files.remove(str(tmp_path), file.name)
    points = used(tmp_path, 0.0)
    assert len(points) == 24
    assert points[1] == (300.0, 130, 159, 159)


def test_a_piece_that_was_interrupted_is_made_again(tmp_path: Path) -> None:
    """Killed in the middle: the file is still pending, and in the end nothing is there twice."""
    hours(tmp_path, 1)
    before = used(tmp_path, 0.0)
    file = pending(str(tmp_path))
    assert file is not None
    pieces = compact(str(tmp_path), file)
    for _ in range(4):
        next(pieces)
    pieces.close()
    assert pending(str(tmp_path)) == file
    everything(tmp_path)
    files.remove(str(tmp_path), file.name)
    assert used(tmp_path, 0.0) == before


def test_a_file_that_is_not_finished_is_left_alone(tmp_path: Path) -> None:
    """Only sealed files are taken."""
    fill(str(tmp_path), 5).close()
    assert pending(str(tmp_path)) is None


def test_the_writer_makes_coarser_tiers_piece_by_piece(tmp_path: Path) -> None:
    """Through `maintain`, without a damaged day's file standing in the way for ever."""
    store = fill(str(tmp_path), 365)
    (tmp_path / "long-20270115.db").write_bytes(b"damaged" * 1000)
    moment = growing(365)[0].moment
    notes = []
    for _ in range(400):
        notes += store.maintain(moment)
        if pending(str(tmp_path)) is None:
            break
    store.close()
    assert [note.what for note in notes] == ["store file long-20270115.db"]
    assert Reader(str(tmp_path)).sources(LONG) == {"recent-20270115T00.db"}


@pytest.mark.parametrize("metric", LONG_METRICS)
def test_every_metric_that_is_promised_is_kept(tmp_path: Path, metric: str) -> None:
    """Each has its chunk after an hour."""
    hours(tmp_path, 1)
    everything(tmp_path)
    reader = Reader(str(tmp_path))
    day = next(file for file in files.listing(str(tmp_path)) if file.tier == LONG)
    api = next(target for target in reader.targets_of(day) if target.name == API)
    assert [len(points) for points in reader.chunks_of(day, api, metric)] == [360]


def test_no_companion_files_are_left(tmp_path: Path) -> None:
    """Coarser files are closed between writes, so anyone may read them."""
    hours(tmp_path, 1)
    everything(tmp_path)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(("-wal", "-shm"))]
