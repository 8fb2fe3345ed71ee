"""The guard of one run: what it tells its owner, and what it hears. Deaths are tried in tests/operations/test_run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forestall.agent.guard import Guard, Sources
from forestall.agent.lines import Inlet, Outlet
from forestall.agent.livestate import LiveState
from forestall.agent.mission import Mission, Run
from forestall.agent.runguard import RunGuard
from forestall.agent.sweep import find_cgroups
from forestall.operations.ladder import run_policy
from forestall.system.procfs import Procfs
from tests.support.processes import HEEDS_TERM, gone, python, started
from tests.support.scratch import ScratchCgroup

pytestmark = pytest.mark.live

MIB = 2**20


class Owner:
    """The owner's side: a guard of a run in this process, and both pipes."""

    def __init__(self, directory: Path, group: ScratchCgroup | None, owner_pid: int = 0) -> None:
        report_reading, report_writing = os.pipe()
        control_reading, control_writing = os.pipe()
        self.story, self.control = Inlet(report_reading), Outlet(control_writing)
        self.live = LiveState(str(directory / "guard"))
        sources = Sources(Procfs(), find_cgroups(Procfs()), os.sysconf("SC_PAGE_SIZE"))
        self.guard = Guard(sources, (run_policy(2.0),), self.live, None, None)
        path = "" if group is None else group.path
        inode = 0 if group is None else os.stat(group.directory).st_ino
        run = Run("7-8", path, inode, 64 * MIB, "app")
        mission = Mission({}, "", str(directory), report_writing, control_reading, owner_pid, run)
        self.run = RunGuard(self.guard, mission, run)

    def look(self) -> list[dict[str, object]]:
        """One turn of the guard's loop without its waiting; what was told."""
        for watch in self.guard.watches.values():
            watch.due = 0.0
        self.guard.turn()
        return self.story.receive()

    def close(self) -> None:
        """Everything."""
        self.guard.close()
        self.live.close()
        for end in (self.story, self.control, self.run._control, self.run._report):
            end.close()


@pytest.fixture
def owners(tmp_path: Path) -> Iterator[Callable[..., Owner]]:
    """Makes owners, closed after the test."""
    made: list[Owner] = []

    def make(group: ScratchCgroup | None, owner_pid: int = 0) -> Owner:
        made.append(Owner(tmp_path / "run", group, owner_pid))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_it_tells_how_the_cgroup_stands(
    owners: Callable[..., Owner], scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """First that it is ready, then use and limit, not more often than five times a second."""
    owner = owners(scratch_cgroup(64 * MIB))
    told = owner.look()
    assert [message["k"] for message in told] == ["ready", "stand"]
    assert told[0]["pid"] == os.getpid()
    assert told[1]["limit"] == 64 * MIB
    assert owner.look() == []


def test_it_watches_a_process_tree_where_there_is_no_cgroup(owners: Callable[..., Owner]) -> None:
    """The limit is the wanted one; the use is that of the owner's descendants."""
    with started(["sh", "-c", 'exec 3>&1; "$@" & wait', "sh", *python(HEEDS_TERM)]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        stand = owners(None, process.pid).look()[1]
    assert stand["limit"] == 64 * MIB
    assert isinstance(stand["used"], int)
    assert 2 * MIB < stand["used"] < 64 * MIB


def test_a_farewell_ends_it_in_peace(
    owners: Callable[..., Owner], scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """After "bye" it stops and ends nobody; "again" only forgets the past."""
    group = scratch_cgroup(64 * MIB)
    owner = owners(group)
    owner.control.send({"k": "again"})
    owner.run.hear()
    assert not owner.guard.stopping
    owner.control.send({"k": "bye"})
    owner.control.close()
    owner.run.hear()
    assert (owner.guard.stopping, owner.run.orphaned) == (True, False)
    owner.run.end()
    owner.run.clean_up()
    assert group.directory.exists()


def test_the_owners_silence_for_ever_is_its_death(
    owners: Callable[..., Owner], scratch_cgroup: Callable[..., ScratchCgroup], tmp_path: Path
) -> None:
    """A closed pipe without a farewell: the command is ended, the cgroup and the runtime files are removed."""
    group = scratch_cgroup(64 * MIB)
    owner = owners(group)
    words = ["sh", "-c", f'echo $$ >{group.directory}/cgroup.procs; exec "$@"', "sh", *python(HEEDS_TERM)]
    with started(words) as process:
        assert process.stdout is not None
        process.stdout.readline()
        owner.control.close()
        owner.run.hear()
        assert (owner.guard.stopping, owner.run.orphaned) == (True, True)
        owner.run.end()
        assert gone(process.pid)
        process.wait()
        owner.run.clean_up()
    assert not group.directory.exists()
    assert not (tmp_path / "run").exists()
