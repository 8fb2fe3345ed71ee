"""The store's reader."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from forestall.model.errors import Absent
from forestall.store.reader import Reader
from forestall.store.schema import VERSION
from tests.support.frames import LEAK, MIB
from tests.support.stores import BEGIN_WALL_SECONDS, as_nobody, fill, growing

ALWAYS = 9e9
HOUR_FILE = "recent-20270115T00.db"


def used(reader: Reader, since: float = 0.0, until: float = ALWAYS) -> list[float]:
    """The use of api.service in MiB."""
    _, points = reader.points(lambda target: target.name == "api.service", ("used",), since, until)
    return [point.last / MIB for point in points["used"]]


def test_a_picture_is_the_newest_frame_at_or_before_a_moment(tmp_path: Path) -> None:
    """Whole, with its trends; before the first there is none."""
    fill(str(tmp_path), 70).close()
    reader = Reader(str(tmp_path))
    picture = reader.picture(BEGIN_WALL_SECONDS + 654.9)
    assert picture is not None
    assert picture.frame == growing(65)[0]
    assert picture.trends == {"/system.slice/api.service#7": LEAK}
    assert reader.picture(BEGIN_WALL_SECONDS - 1) is None


def test_points_are_those_of_the_span(tmp_path: Path) -> None:
    """Across files, both ends included, in order."""
    fill(str(tmp_path), 400).close()
    since, until = BEGIN_WALL_SECONDS + 3500, BEGIN_WALL_SECONDS + 3700
    assert used(Reader(str(tmp_path)), since, until) == [100 + index for index in range(350, 371)]


def test_the_span_of_the_store_is_told(tmp_path: Path) -> None:
    """From the oldest to the newest frame."""
    fill(str(tmp_path), 400).close()
    assert Reader(str(tmp_path)).span() == (BEGIN_WALL_SECONDS, BEGIN_WALL_SECONDS + 3990)


def test_targets_are_all_that_were_seen(tmp_path: Path) -> None:
    """By name, each once."""
    fill(str(tmp_path), 3).close()
    assert [target.name for target in Reader(str(tmp_path)).targets(0, ALWAYS)] == ["api.service", "db.service"]


def test_a_store_that_was_never_made_is_absent_with_the_remedy(tmp_path: Path) -> None:
    """The person is told what to start."""
    with pytest.raises(Absent) as caught:
        Reader(str(tmp_path / "none")).span()
    assert "forestall agent" in caught.value.remedy


def test_an_empty_store_is_empty(tmp_path: Path) -> None:
    """A directory without files is no error."""
    reader = Reader(str(tmp_path))
    assert (reader.span(), reader.picture(ALWAYS), reader.events(0, ALWAYS)) == (None, None, [])


@pytest.mark.parametrize("state", ["running", "stopped", "killed", "sealed", "killed and the shm file lost"])
def test_someone_who_may_only_read_sees_everything(tmp_path: Path, state: str) -> None:
    """While the writer runs, after a clean stop, after kill -9, and of files closed for good."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become someone else")
    directory = tmp_path / "store"
    directory.mkdir()
    for path in (directory, *directory.parents[:3]):
        path.chmod(0o755)
    _prepare(str(directory), state)
    for name in os.listdir(directory):
        if not name.endswith(".db") or state != "sealed":
            os.chmod(directory / name, 0o644)
        else:
            os.chmod(directory / name, 0o444)
    before = sorted(os.listdir(directory))

    def read() -> None:
        reader = Reader(str(directory))
        got = used(reader)
        assert got == [100 + index for index in range(30)], got
        assert reader.notes == (), reader.notes

    as_nobody(read)
    assert sorted(os.listdir(directory)) == before


def _prepare(directory: str, state: str) -> None:
    """A store of 30 frames whose writer is in the given state; the writer is another process."""
    child = os.fork()
    if child == 0:
        store = fill(directory, 30)
        if state in ("stopped", "sealed"):
            store.close()
        if state == "sealed":
            store.maintain(growing(800)[0].moment)
        if state == "killed and the shm file lost":
            store._sync(growing(30)[0].moment)
            store._sync(growing(800)[0].moment)
        if state != "running":
            os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGSTOP)
    _, status = os.waitpid(child, os.WUNTRACED)
    if state == "killed and the shm file lost":
        os.unlink(os.path.join(directory, f"{HOUR_FILE}-shm"))
        os.unlink(os.path.join(directory, f"{HOUR_FILE}-wal"))
    if os.WIFSTOPPED(status):
        _LEFT.append(child)


_LEFT: list[int] = []


@pytest.fixture(autouse=True)
def _end_writers() -> object:
    """Stopped writers end with their test."""
    yield
    while _LEFT:
        child = _LEFT.pop()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_file_cut_anywhere_never_gives_a_wrong_number(tmp_path: Path) -> None:
    """At every cut: a prefix of the truth, or less and a note; nothing else is raised."""
    fill(str(tmp_path / "whole"), 130).close()
    raw = (tmp_path / "whole" / HOUR_FILE).read_bytes()
    truth = used(Reader(str(tmp_path / "whole")))
    assert len(truth) == 130
    directory = tmp_path / "cut"
    directory.mkdir()
    for end in range(0, len(raw), 509):
        (directory / HOUR_FILE).write_bytes(raw[:end])
        reader = Reader(str(directory))
        got = used(reader)
        assert set(got) <= set(truth)
        assert got == truth or reader.notes or not got
        assert reader.picture(ALWAYS) is None or reader.notes == reader.notes


def test_a_file_with_bytes_changed_never_gives_a_wrong_number(tmp_path: Path) -> None:
    """Each frame carries a checksum, so what is shown is what was seen."""
    fill(str(tmp_path), 130).close()
    path = tmp_path / HOUR_FILE
    raw = path.read_bytes()
    truth = set(used(Reader(str(tmp_path))))
    for place in range(100, len(raw), 701):
        changed = bytearray(raw)
        changed[place] ^= 0x40
        path.write_bytes(changed)
        reader = Reader(str(tmp_path))
        assert set(used(reader)) <= truth
        assert reader.span() is None or reader.notes == reader.notes


def test_one_damaged_file_does_not_hide_the_others(tmp_path: Path) -> None:
    """It is skipped and told."""
    fill(str(tmp_path), 400).close()
    (tmp_path / HOUR_FILE).write_bytes(b"no database" * 1000)
    reader = Reader(str(tmp_path))
    assert used(reader) == [100 + index for index in range(360, 400)]
    assert [note.what for note in reader.notes] == [f"store file {HOUR_FILE}"]


def test_a_file_of_a_newer_release_is_told_not_guessed(tmp_path: Path) -> None:
    """An older reader says so instead of showing nonsense."""
    fill(str(tmp_path), 3).close()
    with closing(sqlite3.connect(tmp_path / HOUR_FILE)) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    reader = Reader(str(tmp_path))
    assert used(reader) == []
    assert "newer forestall" in reader.notes[0].why


def test_a_file_that_was_set_aside_is_told(tmp_path: Path) -> None:
    """A gap in history has its reason beside it."""
    fill(str(tmp_path), 3).close()
    (tmp_path / "recent-20270114T23.db.damaged").write_bytes(b"x")
    reader = Reader(str(tmp_path))
    assert used(reader) == [100, 101, 102]
    assert "set aside" in reader.notes[0].why


def test_a_path_with_signs_that_mean_something_in_an_address_is_read(tmp_path: Path) -> None:
    """Question marks, hashes and percent signs in a directory's name."""
    directory = tmp_path / "a?b#c%41"
    fill(str(directory), 3).close()
    assert used(Reader(str(directory))) == [100, 101, 102]


def test_reading_while_the_writer_writes_sees_whole_frames(tmp_path: Path) -> None:
    """Between any two appends a reader sees exactly what has been told."""
    store = fill(str(tmp_path), 1)
    reader = Reader(str(tmp_path))
    for index in range(1, 40):
        store.append(*growing(index))
        assert len(used(reader)) == index + 1
    store.close()
