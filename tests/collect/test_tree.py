"""The descendants of one process, real ones."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from forestall.collect.tree import LISTED_AGAIN_SECONDS, TreeCollector
from forestall.system.procfs import Procfs
from tests.support.processes import wait_until
from tests.support.worker import MIB, worker

PAGE = os.sysconf("SC_PAGE_SIZE")
CHILD = "import subprocess; child = subprocess.Popen(['sleep', '60'])"


def collector(root_pid: int, excluded: frozenset[int] = frozenset()) -> TreeCollector:
    """A collector below a process of the test."""
    return TreeCollector(Procfs(), PAGE, root_pid, excluded)


def without_children_files(one: TreeCollector) -> TreeCollector:
    """The same on a kernel without CONFIG_PROC_CHILDREN."""
    one._has_children_files = False
    return one


@pytest.mark.parametrize("prepare", [lambda one: one, without_children_files], ids=["children", "parents"])
def test_all_descendants_are_found(prepare: object) -> None:
    """Children and grandchildren are members, the root itself, its siblings and what is excluded are not."""
    assert callable(prepare)
    with worker(own_group=True) as one, worker() as other:
        one.do(CHILD)
        eyes = prepare(collector(os.getpid(), frozenset({other.pid})))
        members = eyes.members()
        assert one.pid in members
        assert len([pid for pid in members if eyes.belongs(pid)]) == len(members) >= 2
        assert not {os.getpid(), other.pid, 1} & set(members)
        assert [eyes.belongs(other.pid), eyes.belongs(1), eyes.belongs(os.getpid())] == [False] * 3


def test_their_memory_is_summed() -> None:
    """What two members take is added up, what the root takes is not, and what ended is gone."""
    with worker(own_group=True) as one:
        eyes = collector(os.getpid())
        before = eyes.used_bytes(0.0)
        one.hold(16 * MIB)
        first = eyes.used_bytes(0.1)
        with worker(own_group=True) as other:
            other.hold(16 * MIB)
            assert eyes.used_bytes(0.1 + LISTED_AGAIN_SECONDS / 2) - first < MIB, "listed too early"
            second = eyes.used_bytes(0.1 + LISTED_AGAIN_SECONDS)
        after = eyes.used_bytes(1.0)
    assert abs(first - before - 16 * MIB) < MIB
    assert second - first > 16 * MIB
    assert abs(after - first) < MIB


def test_shared_memory_counts_once() -> None:
    """Parent and child that map the same 16 MiB use 16 MiB."""
    with worker(own_group=True) as one:
        eyes = collector(os.getpid())
        before = eyes.used_bytes(0.0)
        one.do(f"area = mmap.mmap(-1, {16 * MIB}); area.write(b'x' * {16 * MIB})")
        one.do("child = os.fork(); child or (sum(area[::4096]), time.sleep(60))")
        time.sleep(0.1)
        after = eyes.used_bytes(1.0)
    assert 15 * MIB < after - before < 30 * MIB


def test_a_root_that_has_ended_leaves_nothing() -> None:
    """A process that was never there has no members."""
    with worker() as one:
        pid = one.pid
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    eyes = collector(pid)
    assert (eyes.members(), eyes.used_bytes(0.0)) == ([], 0)


def test_a_proc_that_is_cut_short_costs_only_its_process(tmp_path: Path) -> None:
    """A member whose files are half there is passed over."""
    zeros = " ".join(["0"] * 30)
    for pid, parent in ((1, 0), (10, 1), (11, 10)):
        (tmp_path / str(pid)).mkdir()
        stat = f"{pid} (x) S {parent} {pid} {pid} 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 500 {zeros}\n"
        (tmp_path / str(pid) / "stat").write_text(stat)
    (tmp_path / "10" / "status").write_text("Name:\tx\nUid:\t0\nThreads:\t1\nRssAnon:\t64 kB\nVmSwap:\t1 kB\n")
    (tmp_path / "11" / "status").write_text("Name:\t")
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "stat").write_text("12 (x")
    eyes = TreeCollector(Procfs(str(tmp_path)), PAGE, 1, frozenset())
    assert sorted(eyes.members()) == [10, 11]
    assert eyes.used_bytes(0.0) == 65 * 1024
    assert not eyes.belongs(12)
