"""Leftovers of dead runs: ended and removed; nothing else is ever touched, whatever a record says."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forestall.model.errors import Absent, Malformed
from forestall.operations.leftovers import (
    RECORD_BYTES_MAX,
    Record,
    end_leftovers,
    read_record,
    start_ticks,
    write_record,
)
from forestall.system.clock import boot_id
from forestall.system.procfs import Procfs
from tests.support.processes import gone, into, python, started, wait_until
from tests.support.scratch import ScratchCgroup


def dead(path: str, inode: int, **changes: Any) -> Record:
    """A record whose owner and guard are dead: the start time of this process is not theirs."""
    return Record(os.getpid(), 1, os.getpid(), 1, boot_id(), path, inode)._replace(**changes)


def lay(directory: Path, record: Record) -> Path:
    """Put a record where a run would have put it."""
    place = directory / "1-2"
    place.mkdir()
    write_record(str(place), record)
    return place


@pytest.fixture
def left(live: str) -> Iterator[ScratchCgroup]:
    """A cgroup as a run leaves it."""
    group = ScratchCgroup(live, f"/forestall-run-test-{secrets.token_hex(6)}")
    yield group
    group.remove()


def inode(group: ScratchCgroup) -> int:
    """The inode of its directory."""
    return os.stat(group.directory).st_ino


def inside(group: ScratchCgroup) -> subprocess.Popen[bytes]:
    """A process in the group."""
    process = subprocess.Popen(into(group, ["sleep", "60"]), stdout=subprocess.DEVNULL)
    wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text(encoding="utf-8") == "sleep\n")
    return process


@pytest.mark.live
def test_processes_and_cgroup_of_a_dead_run_go(tmp_path: Path, left: ScratchCgroup) -> None:
    """What runs there is ended by TERM, the cgroup with those below it and the runtime files are removed."""
    left.child("below")
    process = inside(left)
    place = lay(tmp_path, dead(left.path, inode(left)))
    assert end_leftovers(str(tmp_path)) == ["1-2"]
    assert process.wait(5) == -signal.SIGTERM
    assert not left.directory.exists()
    assert not place.exists()


@pytest.mark.live
def test_a_run_that_lives_is_left_alone(tmp_path: Path, left: ScratchCgroup) -> None:
    """As long as either the owner or the guard lives, nothing is touched."""
    process = inside(left)
    ours = start_ticks(Procfs(), os.getpid())
    for living in ({"owner_start_ticks": ours}, {"guard_start_ticks": ours}):
        place = tmp_path / secrets.token_hex(4)
        place.mkdir()
        write_record(str(place), dead(left.path, inode(left), **living))
    assert end_leftovers(str(tmp_path)) == []
    assert process.poll() is None
    left.remove()
    process.wait()


@pytest.mark.live
@pytest.mark.parametrize("wrong", [{"cgroup_inode": 3}, {"boot_id": "another boot"}])
def test_another_cgroup_of_the_same_name_is_not_touched(
    tmp_path: Path, left: ScratchCgroup, wrong: dict[str, Any]
) -> None:
    """A cgroup with another inode, or of another boot, is somebody else's: only the files go."""
    process = inside(left)
    place = lay(tmp_path, dead(left.path, inode(left))._replace(**wrong))
    assert end_leftovers(str(tmp_path)) == ["1-2"]
    assert process.poll() is None
    assert left.directory.exists()
    assert not place.exists()
    left.remove()
    process.wait()


@pytest.mark.live
def test_a_cgroup_that_is_not_a_runs_is_never_ended(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """A record that names any other cgroup, the root included, ends nothing."""
    group = scratch_cgroup()
    process = inside(group)
    for path in (group.path, "/", ""):
        there = os.stat(group.mount + path).st_ino
        lay(tmp_path, dead(path, there))
        end_leftovers(str(tmp_path))
    assert process.poll() is None
    group.remove()
    process.wait()


@pytest.mark.live
def test_an_owner_that_died_while_making_its_cgroup(tmp_path: Path, left: ScratchCgroup) -> None:
    """The record comes before the cgroup: one without an inode names an empty cgroup that goes too."""
    lay(tmp_path, dead(left.path, 0))
    assert end_leftovers(str(tmp_path)) == ["1-2"]
    assert not left.directory.exists()


def test_a_zombie_owner_is_dead() -> None:
    """A process that has ended and is not reaped has no start time any more; a living one has."""
    with started(python("")) as process:
        while not gone(process.pid):
            pass
        assert start_ticks(Procfs(), process.pid) == 0
    assert start_ticks(Procfs(), os.getpid()) > 0


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every field comes back."""
    record = dead("/forestall-run-1-2", 7)
    write_record(str(tmp_path), record)
    assert read_record(str(tmp_path)) == record


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"x": 1}',
        b"\xff",
        json.dumps(dead("/x", 1)._asdict() | {"owner_pid": "x"}).encode(),
    ],
)
def test_a_damaged_record_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """What cannot be read is Malformed and neither ended nor removed."""
    place = tmp_path / "1-2"
    place.mkdir()
    (place / "record").write_bytes(content + b" " * RECORD_BYTES_MAX)
    with pytest.raises(Malformed):
        read_record(str(place))
    assert end_leftovers(str(tmp_path)) == []
    assert place.exists()


def test_where_nothing_ever_ran_there_is_nothing(tmp_path: Path) -> None:
    """A runtime directory that is not there, or holds no record, is fine."""
    assert end_leftovers(str(tmp_path / "none")) == []
    (tmp_path / "empty").mkdir()
    assert end_leftovers(str(tmp_path)) == []
    with pytest.raises(Absent):
        read_record(str(tmp_path / "empty"))
