"""Process groups, real ones, and a /proc of plain files for what cannot be caused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.collect.process import LOOKED_UP_EVERY, ProcessCollector, Tree, tree_of
from forestall.system.procfs import Procfs
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody
from tests.support.worker import MIB, worker

PAGE = os.sysconf("SC_PAGE_SIZE")


def nothing(path: str) -> bool:
    """No cgroup is a row of its own."""
    return path == "nowhere"


def collector(root: str = "/proc", **settings: int) -> ProcessCollector:
    """A collector that reads v1 cgroup paths."""
    return ProcessCollector(Procfs(root), 1, PAGE, **settings)  # type: ignore[arg-type]


def tree(found: list[Tree], pid: int) -> Tree:
    """The tree whose leader is this process."""
    return next(one for one in found if one.target.identity.startswith(f"{pid}@"))


@pytest.mark.live
def test_a_group_is_one_row_with_all_its_memory(live: str) -> None:
    """Leader and child are one tree; what they take is in it within a mebibyte, and gone when they go."""
    eyes = collector()
    with worker(own_group=True) as one:
        before = tree(eyes.collect(nothing), one.pid)
        one.hold(32 * MIB)
        after = tree(eyes.collect(nothing), one.pid)
        one.do("import subprocess; child = subprocess.Popen(['sleep', '60'])")
        both = tree(eyes.collect(nothing), one.pid)
        assert set(tree_of(Procfs(), one.pid)) > {one.pid}
        one.do("child.kill(); child.wait()")
    assert abs(after.used_bytes - before.used_bytes - 32 * MIB) < 2 * MIB
    assert (before.pids, both.pids) == (1, 2)
    assert after.resident_bytes > 32 * MIB
    assert after.target == before.target
    assert not [one_tree for one_tree in eyes.collect(nothing) if one_tree.target == before.target]


@pytest.mark.live
def test_shared_memory_of_many_processes_counts_once(live: str) -> None:
    """Two processes that map the same 32 MiB use 32 MiB, not 64."""
    with worker(own_group=True) as one:
        one.do(f"area = mmap.mmap(-1, {32 * MIB}); area.write(b'x' * {32 * MIB})")
        one.do("child = os.fork(); child or (sum(area[::4096]), time.sleep(60))")
        found = tree(collector().collect(nothing), one.pid)
    assert found.pids == 2
    assert abs(found.shmem_bytes - 32 * MIB) < MIB
    assert found.used_bytes < 60 * MIB


@pytest.mark.live
def test_covered_cgroups_are_left_to_their_row(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A process in a covered cgroup is nobody's tree and keeps no file open; uncovered, it is one at once."""
    group = scratch_cgroup()
    eyes = collector()
    with worker(group, own_group=True) as one:
        covered = eyes.collect(lambda path: path == group.path)
        assert not [found for found in covered if found.target.path == group.path]
        assert one.pid not in eyes._known
        assert tree(eyes.collect(nothing), one.pid).cgroup_path == group.path


@pytest.mark.live
def test_a_move_to_another_cgroup_is_seen(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Within a bounded number of passes a process that was moved is in its new place, both ways."""
    group = scratch_cgroup()
    eyes = collector()
    with worker(own_group=True) as one:
        before = tree(eyes.collect(nothing), one.pid).cgroup_path
        group.add(one.pid)
        for _ in range(LOOKED_UP_EVERY):
            found = eyes.collect(nothing)
        assert tree(found, one.pid).cgroup_path == group.path != before
        for _ in range(LOOKED_UP_EVERY):
            found = eyes.collect(lambda path: path == group.path)
        assert not [one_tree for one_tree in found if one_tree.target.path == group.path]


@pytest.mark.live
def test_kernel_threads_and_zombies_are_no_rows(live: str) -> None:
    """What has no memory is no row: neither kthreadd nor a child that waits to be reaped."""
    with subprocess.Popen(["true"], process_group=0) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        identities = {found.target.identity.partition("@")[0] for found in collector().collect(nothing)}
    assert str(child.pid) not in identities
    assert "2" not in identities
    ours = os.getpgrp()  # its leader may have ended: then the oldest of the group stands for it
    assert any(group_of(int(pid)) == ours for pid in identities)


def group_of(pid: int) -> int:
    """A process's group, 0 when it has gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


@pytest.mark.live
@pytest.mark.parametrize("name", [b") R 1 1", b"a\nb", b"\xff\xfe(", b"[x] y"])
def test_a_process_may_call_itself_anything(live: str, name: bytes) -> None:
    """Brackets, newlines and bytes that are no text neither mislead nor reach the screen raw."""
    with worker(own_group=True) as one:
        one.do(f"open('/proc/self/comm', 'wb').write({name!r})")
        found = tree(collector().collect(nothing), one.pid)
    assert found.target.name.isprintable()
    assert found.pids == 1


def fake(root: Path, pid: int, **replaced: str) -> None:
    """A process made of plain files."""
    (root / str(pid)).mkdir()
    rest = " ".join(["0"] * 30)
    files = {
        "stat": f"{pid} (x) S 1 {pid} {pid} 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 500 {rest}\n",
        "statm": "1000 500 100 5 0 123 0\n",
        "status": f"Name:\tx\nUid:\t0\t0\t0\t0\nThreads:\t1\nRssAnon:\t1600 kB\nRssShmem:\t8 kB\nVmSwap:\t4 kB\n{rest}",
        "cgroup": "4:memory:/a\n",
        **replaced,
    }
    for name, text in files.items():
        (root / str(pid) / name).write_text(text)


@pytest.mark.parametrize("file", ["stat", "statm", "status", "cgroup"])
@pytest.mark.parametrize("text", ["", "1 (x", "1 2"])
def test_a_file_cut_short_costs_only_its_process(tmp_path: Path, file: str, text: str) -> None:
    """A process whose file is half there is left out, the others are read."""
    fake(tmp_path, 10)
    fake(tmp_path, 20, **{file: text})
    found = collector(str(tmp_path)).collect(nothing)
    assert [one.target.identity for one in found] == ["10@500"]
    assert found[0].used_bytes == 400 * PAGE + 8 * 1024 + 4 * 1024


def test_an_older_kernel_that_splits_no_sizes_is_read(tmp_path: Path) -> None:
    """Before Linux 4.5 status has no RssShmem: anonymous memory is counted, shared is not known."""
    fake(tmp_path, 10, status="Name:\tx\nUid:\t0\t0\t0\t0\nThreads:\t1\n")
    (found,) = collector(str(tmp_path)).collect(nothing)
    assert (found.used_bytes, found.shmem_bytes) == (400 * PAGE, 0)


def test_a_tree_without_its_leader_goes_by_its_oldest(tmp_path: Path) -> None:
    """When the leader has ended, the oldest member stands for the group."""
    rest = " ".join(["0"] * 30)
    for pid, start in ((11, 700), (12, 600)):
        fake(tmp_path, pid, stat=f"{pid} (x) S 1 10 10 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 {start} {rest}\n")
    (found,) = collector(str(tmp_path)).collect(nothing)
    assert (found.target.identity, found.pids, found.start_ticks) == ("12@600", 2, 600)


def test_no_more_files_are_kept_open_than_allowed(tmp_path: Path) -> None:
    """Beyond the bound processes are met anew each pass, with the same result."""
    for pid in range(10, 30):
        fake(tmp_path, pid)
    eyes = collector(str(tmp_path), statm_kept_max=5)
    before = len(os.listdir("/proc/self/fd"))
    assert len(eyes.collect(nothing)) == 20
    assert len(eyes.collect(nothing)) == 20
    assert len(os.listdir("/proc/self/fd")) - before == 5
    assert len(eyes._known) == 5
    for process in eyes._known.values():
        process.statm.close()


@pytest.mark.live
def test_without_root_the_others_are_still_seen(live: str) -> None:
    """statm, stat, status and cgroup are open to all: nobody sees the same trees."""

    def look() -> None:
        eyes = collector()
        assert len(eyes.collect(nothing)) > 1
        assert eyes.notes == []

    as_nobody(look)


def test_hidden_processes_are_a_note(tmp_path: Path) -> None:
    """What is listed and may not be read is said once, with what would help."""
    if os.geteuid() != 0:
        pytest.skip("needs root to take a right away from somebody else")
    for above in [tmp_path, *list(tmp_path.parents)[:2]]:
        above.chmod(0o755)
    for pid in (10, 20):
        fake(tmp_path, pid)
        (tmp_path / str(pid)).chmod(0o700)

    def look() -> None:
        eyes = collector(str(tmp_path))
        assert eyes.collect(nothing) == []
        assert [note.what for note in eyes.notes] == ["some processes"]

    as_nobody(look)
