"""Full captures in the recorder: everything that can be had, and nothing that stops it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from forestall.agent.inspector import Inspector
from forestall.agent.sweep import find_cgroups
from forestall.agent.taking import Taker
from forestall.model.target import CGROUP, HOST, Target
from forestall.system.procfs import Procfs
from tests.support.frames import MOMENT
from tests.support.processes import HEEDS_TERM, python, started
from tests.support.scratch import ScratchCgroup


@pytest.fixture
def taker() -> Iterator[Taker]:
    """A taker on the real host."""
    inspector = Inspector(Procfs())
    yield Taker(Procfs(), find_cgroups(Procfs()), inspector, os.sysconf("SC_PAGE_SIZE"))
    inspector.close()


@pytest.mark.live
def test_the_three_largest_are_looked_into(taker: Taker, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Of five processes all are in the table, and the mappings of the three largest are kept."""
    group = scratch_cgroup(96 * 2**20)
    one = "x = b'x' * ($m << 20); import time; time.sleep(60)"
    sizes = f'for m in 1 12 2 9 15; do "$0" -I -S -c "{one}" & done; sleep 1; echo up; wait'
    words = ["sh", "-c", f'echo $$ >{group.directory}/cgroup.procs; exec "$@"', "sh", "sh", "-c", sizes, python("")[0]]
    with started(words) as process:
        assert process.stdout is not None
        process.stdout.readline()
        capture = taker.take(Target(CGROUP, f"{group.path}#1", "g", group.path), 7, "why", MOMENT, "id-1")
    pieces = {piece.name: piece.text for piece in capture.pieces}
    rollups = [name for name in pieces if name.startswith("smaps_rollup")]
    assert len(rollups) == 3
    largest = [line.split()[0] for line in pieces["top"].splitlines()[1:4]]
    assert {name.split()[1] for name in rollups} == set(largest)
    assert (capture.id, capture.why, capture.value_bytes, capture.at_boottime_seconds) == ("id-1", "why", 7, 10_000.0)


def test_the_host_itself_is_captured_by_its_files(taker: Taker) -> None:
    """A target without a path: what the host tells, and no cgroup files."""
    names = [piece.name for piece in taker.take(Target(HOST, "boot", "host"), 0, "", MOMENT, "x").pieces]
    assert "meminfo" in names
    assert "loadavg" in names
    assert "memory.stat" not in names


def test_a_host_without_a_memory_controller(tmp_path: object) -> None:
    """Nothing to read from cgroups is no failure."""
    inspector = Inspector(Procfs())
    taken = Taker(Procfs(), None, inspector, 4096).take(Target(CGROUP, "/a#1", "a", "/a"), 0, "", MOMENT, "x")
    inspector.close()
    assert "top" in [piece.name for piece in taken.pieces]


def test_a_stopped_target_is_captured_all_the_same(taker: Taker) -> None:
    """A process in SIGSTOP does not hold up a capture."""
    with started(python(HEEDS_TERM), start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(19)
        target = Target("process", f"{process.pid}@0", "python")
        names = [piece.name for piece in taker.take(target, 0, "", MOMENT, "x").pieces]
    assert f"smaps_rollup {process.pid}" in names
