"""What the guard sees of one target, on the real kernel."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from forestall.agent.eyes import CgroupEye, TreeEye, plain_reading
from forestall.collect.cgroup import CgroupCollector
from forestall.collect.tree import TreeCollector
from forestall.model.level import HOST_LEVEL, Level
from forestall.model.target import RUN, Target
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.procfs import Procfs
from tests.support.scratch import ScratchCgroup
from tests.support.worker import MIB, settle, worker

HOST = Level(HOST_LEVEL, 1 << 40, 0, 1 << 40, 0)


def eye_on(group: ScratchCgroup, path: str | None = None) -> tuple[CgroupEye, CgroupCollector]:
    """An eye on a real group and the collector behind it, which begins each look."""
    collector = CgroupCollector(Cgroupfs(group.mount, 1))
    collector.begin(HOST)
    return CgroupEye(collector, Procfs(), group.path if path is None else path), collector


@pytest.mark.live
def test_a_cgroup_is_seen_until_it_is_gone(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Use and limit as the kernel has them; removed, there is nothing to see."""
    group = scratch_cgroup(64 * MIB)
    eye, collector = eye_on(group)
    with worker(group) as one:
        one.hold(20 * MIB)
        settle()
        collector.begin(HOST)
        reading = eye.glance(HOST, 0.0)
        assert reading is not None
        assert 20 * MIB < reading.used_bytes < 28 * MIB
        assert (reading.own_limit_bytes, reading.limit_own, reading.kills) == (64 * MIB, True, 0)
        assert os.stat(eye.directory).st_ino == os.stat(group.directory).st_ino
    group.remove()
    collector.begin(HOST)
    assert eye.glance(HOST, 1.0) is None
    assert eye.members() == []


@pytest.mark.live
def test_members_are_those_in_it_and_below(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Processes of sub-groups belong; those beside, above and in a group whose name begins the same do not."""
    parent = scratch_cgroup()
    group, below, alike = parent.child("api"), parent.child("api/worker"), parent.child("api-2")
    eye, _ = eye_on(parent, group.path)
    with worker(group) as one, worker(below) as two, worker(alike) as other, worker(parent) as above:
        assert sorted(eye.members()) == sorted([one.pid, two.pid])
        assert [eye.belongs(pid) for pid in (one.pid, two.pid)] == [True, True]
        assert [eye.belongs(pid) for pid in (other.pid, above.pid, os.getpid(), 1)] == [False] * 4
        gone = one.pid
    assert not eye.belongs(gone)


@pytest.mark.live
def test_a_process_that_leaves_no_longer_belongs(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Looked up now, not remembered: what has moved away is not stopped with the rest."""
    group, elsewhere = scratch_cgroup(), scratch_cgroup()
    eye, _ = eye_on(group)
    with worker(group) as one:
        assert eye.belongs(one.pid)
        elsewhere.add(one.pid)
        assert not eye.belongs(one.pid)


@pytest.mark.live
def test_odd_names_are_the_same_cgroup(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A cgroup whose name is no text has members and is seen."""
    group = scratch_cgroup()
    odd = group.child(os.fsdecode(b"(a] b\xff"))
    eye, collector = eye_on(group, odd.path)
    with worker(odd) as one:
        assert eye.members() == [one.pid]
        assert eye.belongs(one.pid)
        collector.begin(HOST)
        reading = eye.glance(HOST, 0.0)
    assert reading is not None and reading.target.path.endswith("(a] b\\xff")


def tree_eye(limit_bytes: int) -> TreeEye:
    """An eye on all descendants of the test itself."""
    target = Target(RUN, "1@2", "run", "")
    collector = TreeCollector(Procfs(), os.sysconf("SC_PAGE_SIZE"), os.getpid(), frozenset())
    return TreeEye(collector, Procfs(), target, limit_bytes, os.getpid())


def test_a_tree_is_watched_against_a_limit_of_ours() -> None:
    """Headroom is what the limit leaves, the peak stays, and the processes are the descendants."""
    with worker(own_group=True) as one:
        eye = tree_eye(256 * MIB)
        before = eye.glance(HOST, 0.0)
        one.hold(32 * MIB)
        after = eye.glance(HOST, 1.0)
        one.do("held.clear()")
        freed = eye.glance(HOST, 2.0)
        assert one.pid in eye.members()
        assert eye.belongs(one.pid) and not eye.belongs(1)
    assert before is not None and after is not None and freed is not None
    assert abs(before.headroom_bytes - after.headroom_bytes - 32 * MIB) < MIB
    assert (after.own_limit_bytes, after.limit_own) == (256 * MIB, True)
    assert freed.peak_bytes == after.used_bytes > freed.used_bytes
    assert eye.directory == f"/proc/{os.getpid()}"


def test_the_host_limits_a_tree_too() -> None:
    """A host with less left than our limit decides; above the limit the headroom is zero, never less."""
    with worker(own_group=True):
        tight = tree_eye(1 << 40).glance(HOST._replace(headroom_bytes=5), 0.0)
        over = tree_eye(1024).glance(HOST, 0.0)
    assert tight is not None and (tight.limit_level, tight.limit_own, tight.headroom_bytes) == (HOST_LEVEL, False, 5)
    assert over is not None and over.headroom_bytes == 0


def test_a_plain_reading_says_what_it_does_not_know() -> None:
    """Limit is use plus headroom of the level, and what only cgroups count is unknown."""
    level = Level("/slice", 100, 60, 40, 7)
    reading = plain_reading(Target(RUN, "x", "x", "/slice/x"), 10, level, None, None)
    assert (reading.limit_bytes, reading.limit_level, reading.limit_own) == (50, "/slice", False)
    assert (reading.level_used_bytes, reading.swap_headroom_bytes) == (60, 7)
    assert (reading.kills, reading.near_misses, reading.anon_bytes, reading.pressure) == (None,) * 4
