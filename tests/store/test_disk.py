"""The store's writer."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from forestall.model.action import Deed, Outcome
from forestall.model.errors import Denied, ForestallError
from forestall.model.finding import Finding, Severity
from forestall.model.target import UNIT, Target
from forestall.store.disk import EVENTS_WAITING_MAX, FRAMES_PER_KEY, Store
from forestall.store.reader import Reader
from forestall.store.retention import Retention
from tests.support.frames import MIB, kill
from tests.support.stores import BEGIN_WALL_SECONDS, fill, growing

API = Target(UNIT, "/system.slice/api.service#7", "api.service", "/system.slice/api.service")
FINDING = Finding("time_to_limit", API, Severity.WARNING, "4 minutes left", (), 990.0)
ALWAYS = 9e9


def used(directory: Path | str) -> list[float]:
    """The use of api.service in MiB, as a reader sees it."""
    _, points = Reader(str(directory)).points(lambda target: target.name == "api.service", ("used",), 0, ALWAYS)
    return [point.last / MIB for point in points["used"]]


def names(directory: Path) -> list[str]:
    """The files in a directory, in order."""
    return sorted(os.listdir(directory))


def _append(store: Store, indexes: range) -> None:
    """The ticks of these numbers."""
    for index in indexes:
        store.append(*growing(index))


def test_frames_are_there_for_readers_at_once(tmp_path: Path) -> None:
    """Each append is committed: a reader sees it while the writer runs."""
    store = fill(str(tmp_path), 3)
    assert used(tmp_path) == [100, 101, 102]
    store.append(*growing(3))
    assert used(tmp_path) == [100, 101, 102, 103]
    store.close()


def test_a_clean_stop_leaves_plain_files_and_a_new_start_goes_on(tmp_path: Path) -> None:
    """One file of the hour, before and after."""
    fill(str(tmp_path), 3).close()
    assert names(tmp_path) == ["recent-20270115T00.db"]
    fill(str(tmp_path), 3, first=3).close()
    assert names(tmp_path) == ["recent-20270115T00.db"]
    assert used(tmp_path) == [100, 101, 102, 103, 104, 105]


def test_long_chains_are_broken_by_key_frames(tmp_path: Path) -> None:
    """More frames than a group has come back all the same."""
    count = 2 * FRAMES_PER_KEY + 5
    fill(str(tmp_path), count).close()
    assert used(tmp_path) == [100 + index for index in range(count)]


def test_every_hour_has_its_file_and_finished_ones_are_sealed(tmp_path: Path) -> None:
    """`maintain` closes them for good; the open one stays."""
    store = fill(str(tmp_path), 365)
    assert store.maintain(growing(365)[0].moment) == ()
    modes = {name: os.stat(tmp_path / name).st_mode & 0o777 for name in names(tmp_path) if name.startswith("recent")}
    assert modes["recent-20270115T00.db"] == 0o440
    assert modes["recent-20270115T01.db"] == 0o640
    store.close()
    assert len(used(tmp_path)) == 365


def test_another_boot_begins_with_a_key_frame(tmp_path: Path) -> None:
    """Boot time starts anew; nothing refers across."""
    store = fill(str(tmp_path), 2)
    for index in (2, 3):
        store.append(*growing(index, boot_id="next"))
    store.close()
    picture = Reader(str(tmp_path)).picture(ALWAYS)
    assert picture is not None
    assert picture.frame == growing(3, boot_id="next")[0]


def test_the_same_tick_is_kept_once(tmp_path: Path) -> None:
    """A tick told twice does not disturb those that follow."""
    store = fill(str(tmp_path), 2)
    store.append(*growing(1))
    store.append(*growing(2))
    store.close()
    assert used(tmp_path) == [100, 101, 102]


def test_a_wall_clock_that_jumps_back_loses_nothing(tmp_path: Path) -> None:
    """Frames of an hour that is sealed already go into a further file of it."""
    store = fill(str(tmp_path), 2)
    store.append(*growing(400))
    store.maintain(growing(400)[0].moment)
    store.append(*growing(5))
    store.close()
    assert "recent-20270115T00.2.db" in names(tmp_path)
    assert sorted(used(tmp_path)) == [100, 101, 105, 500]


def test_events_are_kept_once_with_their_time_and_target(tmp_path: Path) -> None:
    """Told twice (a new recorder takes over), kept once."""
    store = Store(str(tmp_path))
    moment = growing(0)[0].moment
    outcome = Outcome("a1", API, Deed("restart"), "done", "", 1000.0, 2.0)
    for _ in range(2):
        store.finding(FINDING, moment)
        store.outcome(outcome, moment)
        store.kill(kill("api.service")._replace(wall_seconds=moment.wall_seconds))
    store.close()
    found = Reader(str(tmp_path)).events(0, ALWAYS)
    assert sorted(event.kind for event in found) == ["finding", "kill", "outcome"]
    assert [event.value for event in found if event.kind == "finding"] == [FINDING]


@pytest.mark.parametrize("place", [0, 100, 4096, 8192])
def test_a_damaged_file_is_set_aside_and_told_once(tmp_path: Path, place: int) -> None:
    """The writer goes on in a new file; what was broken is kept for those who want to save it."""
    fill(str(tmp_path), 200).close()
    path = tmp_path / "recent-20270115T00.db"
    raw = bytearray(path.read_bytes())
    raw[place : place + 3000] = b"\xa5" * 3000
    path.write_bytes(raw)
    store = fill(str(tmp_path), 3, first=200)
    notes = store.maintain(growing(203)[0].moment)
    store.close()
    assert [note.what for note in notes] == ["store file recent-20270115T00.db"]
    assert store.maintain(growing(203)[0].moment) == ()
    assert names(tmp_path) == ["recent-20270115T00.2.db", "recent-20270115T00.db.damaged"]
    assert used(tmp_path) == [300, 301, 302]


def test_old_files_are_unlinked(tmp_path: Path) -> None:
    """Retention by age, through `maintain`."""
    store = Store(str(tmp_path), Retention(recent_seconds=0.0))
    store.append(*growing(0))
    store.append(*growing(800))
    store.maintain(growing(800)[0].moment)
    assert [name for name in names(tmp_path) if name.startswith("recent") and name.endswith(".db")] == [
        "recent-20270115T02.db"
    ]
    assert store.bytes_used() > 0
    store.close()


def test_frames_around_a_kill_outlive_their_file(tmp_path: Path) -> None:
    """Ten minutes before and one after stay raw; the rest of the hour is forgotten."""
    store = Store(str(tmp_path), Retention(recent_seconds=0.0))
    for index in range(360):
        store.append(*growing(index))
    at = BEGIN_WALL_SECONDS + 2000
    store.kill(kill("api.service")._replace(wall_seconds=at))
    later = growing(800)
    store.append(*later)
    store.maintain(later[0].moment)
    store.close()
    reader = Reader(str(tmp_path))
    kept = reader.picture(at)
    assert kept is not None
    assert kept.frame == growing(200)[0]
    early = reader.picture(at - 580)
    assert early is not None
    assert early.frame == growing(142)[0]
    assert reader.picture(BEGIN_WALL_SECONDS + 600) is None


def test_kill_minus_nine_loses_no_frame_that_was_told(tmp_path: Path) -> None:
    """A writer is killed at several moments; every frame it reported is there, and the next writer goes on."""
    script = (
        "import sys\n"
        "from tests.support.stores import Store, growing\n"
        "store = Store(sys.argv[1])\n"
        "for index in range(100000):\n"
        "    store.append(*growing(index, 0.05))\n"
        "    print(index, flush=True)\n"
    )
    for attempt in range(4):
        directory = tmp_path / str(attempt)
        with _writer(script, directory) as (writer, told):
            for _ in range(50 + 37 * attempt):
                next(told)
            writer.send_signal(signal.SIGKILL)
            last = max((int(line) for line in told), default=0)
        got = used(directory)
        assert len(got) >= last + 1
        assert got == [100 + index for index in range(len(got))]
        frame, judged = growing(len(got), 0.05)
        store = Store(str(directory))
        store.append(frame, judged)
        store.close()
        assert len(used(directory)) == len(got) + 1


@contextmanager
def _writer(script: str, directory: Path) -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    source = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", script, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": source}) as process:
        assert process.stdout is not None
        try:
            yield process, iter(process.stdout)
        finally:
            process.kill()


def test_a_full_disk_raises_once_and_the_store_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """A limit on the file's size stands for the disk; events wait, frames after it stand on a key frame."""
    store = fill(str(tmp_path), 2)
    moment = growing(2)[0].moment
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(ForestallError, match="store in"):
            _append(store, range(2, 20))
        with pytest.raises(ForestallError, match="store in"):
            store.finding(FINDING, moment)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    store.append(*growing(20))
    store.append(*growing(21))
    store.close()
    assert used(tmp_path)[:2] == [100, 101]
    assert used(tmp_path)[-2:] == [120, 121]
    assert [event.value for event in Reader(str(tmp_path)).events(0, ALWAYS)] == [FINDING]


@pytest.mark.live
def test_a_full_file_system_is_denied_by_name_and_survived(tmp_path: Path, live: str) -> None:
    """A tmpfs of one MiB: the error says what would help, and after room is made everything goes on."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)], check=True)
    try:
        store = fill(str(tmp_path), 5)
        ballast = tmp_path / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        with pytest.raises(Denied, match="free disk space"):
            _append(store, range(5, 300))
        ballast.unlink()
        store.append(*growing(310))
        store.close()
        assert used(tmp_path)[:5] == [100, 101, 102, 103, 104]
        assert used(tmp_path)[-1] == 410
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@pytest.mark.live
def test_a_read_only_file_system_is_denied_by_name(tmp_path: Path, live: str) -> None:
    """A disk that went read-only, as ext4 does after an error."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(tmp_path)], check=True)
    try:
        fill(str(tmp_path), 3).close()
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        with pytest.raises(Denied, match="writable place"):
            fill(str(tmp_path), 1, first=3)
        assert used(tmp_path) == [100, 101, 102]
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_events_that_cannot_be_written_wait_but_not_without_bound(tmp_path: Path) -> None:
    """The oldest goes when too many wait, and that is told."""
    blocked = tmp_path / "file"
    blocked.touch()
    store = Store(str(blocked / "store"))
    moment = growing(0)[0].moment
    for index in range(EVENTS_WAITING_MAX + 3):
        with pytest.raises(Denied):
            store.finding(FINDING._replace(since_boottime_seconds=float(index)), moment)
    blocked.unlink()
    notes = store.maintain(moment)
    store.close()
    assert len(notes) == 3
    assert len(Reader(str(blocked / "store")).events(0, ALWAYS)) == EVENTS_WAITING_MAX


def test_an_append_is_quick(tmp_path: Path) -> None:
    """A tick of two targets takes a few milliseconds at most, disk included; the bound is generous for slow disks."""
    store = fill(str(tmp_path), 5)
    begin = time.perf_counter()
    for index in range(5, 55):
        store.append(*growing(index))
    assert (time.perf_counter() - begin) / 50 < 0.1
    store.close()


def test_a_store_that_was_never_used_leaves_nothing(tmp_path: Path) -> None:
    """Files are opened at the first write: the store may be made before a fork."""
    store = Store(str(tmp_path / "state"))
    assert store.maintain(growing(0)[0].moment) == ()
    assert store.bytes_used() == 0
    store.close()
    assert names(tmp_path) == []


def test_times_of_the_test_store_begin_at_midnight() -> None:
    """The tests above rely on it."""
    assert BEGIN_WALL_SECONDS % 86_400 == 0
