"""Real memory cgroups, v1: what is use and what is not, whose limit decides, what is counted."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forestall.collect.cgroup import CgroupCollector, NearMisses, printable_path
from forestall.model.frame import Reading
from forestall.model.level import HOST_LEVEL, Level
from forestall.model.target import CGROUP
from forestall.system.cgroupfs import Cgroupfs
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody
from tests.support.worker import MIB, settle, worker

HOST = Level(HOST_LEVEL, 1 << 40, 0, 1 << 40, 0)
SLACK = 3 * MIB
"""What the interpreter itself takes, and the kernel's batched counters."""


def look(group: ScratchCgroup, host: Level = HOST) -> Reading:
    """One fresh look at a real group."""
    settle()
    collector = CgroupCollector(Cgroupfs(group.mount, 1))
    collector.begin(host)
    reading = collector.read(group.path)
    assert reading is not None
    collector.forget_all_but(set())
    return reading


@contextmanager
def disk_file(count: int) -> Iterator[str]:
    """A file of so many bytes on a real disk, its pages clean and dropped from the cache."""
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
        file.write(os.urandom(MIB) * (count // MIB))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        yield file.name


@pytest.mark.live
def test_clean_page_cache_is_not_use(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A service that has read 48 MiB of files has them in its usage, and its headroom is as before."""
    group = scratch_cgroup(128 * MIB)
    with disk_file(48 * MIB) as path, worker(group) as one:
        before = look(group)
        one.do(f"file = open({path!r}, 'rb'); [None for _ in iter(lambda: file.read(1 << 20), b'')]")
        after = look(group)
    assert after.usage_bytes - before.usage_bytes > 40 * MIB
    assert abs(after.used_bytes - before.used_bytes) < SLACK
    assert abs(after.headroom_bytes - before.headroom_bytes) < SLACK
    assert after.file_bytes is not None and after.file_bytes > 40 * MIB


@pytest.mark.live
def test_anonymous_memory_is_use(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """What a process takes is gone from the headroom; the peak stays after it is given back."""
    group = scratch_cgroup(128 * MIB)
    with worker(group) as one:
        before = look(group)
        one.hold(40 * MIB)
        after = look(group)
        one.do("held.clear()")
        freed = look(group)
    assert abs(before.headroom_bytes - after.headroom_bytes - 40 * MIB) < SLACK
    assert (after.limit_level, after.limit_own, after.own_limit_bytes) == (group.path, True, 128 * MIB)
    assert after.limit_bytes == after.used_bytes + after.headroom_bytes
    assert freed.used_bytes < after.used_bytes - 30 * MIB
    assert freed.peak_bytes is not None and freed.peak_bytes > 40 * MIB
    assert freed.kernel_bytes is not None and freed.kernel_bytes > 0
    assert freed.sock_bytes is None


@pytest.mark.live
def test_tmpfs_is_use(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A file in /dev/shm that the service wrote counts: only deleting it gives it back."""
    group = scratch_cgroup(128 * MIB)
    name = f"/dev/shm{group.path}"
    with worker(group) as one:
        before = look(group)
        try:
            one.do(f"open({name!r}, 'wb').write(b'x' * {40 * MIB})")
            after = look(group)
        finally:
            Path(name).unlink(missing_ok=True)
    assert abs(after.used_bytes - before.used_bytes - 40 * MIB) < SLACK
    assert after.shmem_bytes is not None and abs(after.shmem_bytes - 40 * MIB) < SLACK


@pytest.mark.live
def test_dirty_pages_are_use_until_they_are_written(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Page cache that is not on the disk yet cannot be dropped; after fsync it can."""
    group = scratch_cgroup(128 * MIB)
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file, worker(group) as one:
        before = look(group)
        one.do(f"file = open({file.name!r}, 'wb', 0); file.write(b'x' * {24 * MIB})")
        dirty = look(group)
        one.do("os.fsync(file.fileno())")
        written = look(group)
    assert dirty.used_bytes - before.used_bytes > 12 * MIB
    assert written.used_bytes - before.used_bytes < SLACK
    assert written.usage_bytes - before.usage_bytes > 12 * MIB


@pytest.mark.live
def test_locked_pages_are_use(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Page cache that a process has locked in memory cannot be dropped."""
    group = scratch_cgroup(128 * MIB)
    with disk_file(24 * MIB) as path, worker(group) as one:
        one.do(f"file = open({path!r}, 'r+b'); area = mmap.mmap(file.fileno(), 0)")
        before = look(group)
        one.do("address = ctypes.addressof(ctypes.c_char.from_buffer(area)); libc = ctypes.CDLL(None)")
        one.do(f"assert libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t({24 * MIB})) == 0")
        after = look(group)
    assert after.used_bytes - before.used_bytes > 20 * MIB


@pytest.mark.live
def test_a_sibling_eats_the_headroom_of_the_parent(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """The child has taken nothing, and yet its headroom is the little that its sibling leaves; the parent is named."""
    parent = scratch_cgroup(96 * MIB)
    child, sibling = parent.child("child"), parent.child("sibling")
    child.limit(80 * MIB)
    with worker(child), worker(sibling) as one:
        before = look(child)
        assert before.limit_own
        one.hold(64 * MIB)
        after = look(child)
    assert (after.limit_level, after.limit_own) == (parent.path, False)
    assert after.headroom_bytes < 32 * MIB
    assert after.used_bytes < 2 * SLACK + 4 * MIB
    assert after.level_used_bytes > 64 * MIB
    assert after.own_limit_bytes == 80 * MIB


@pytest.mark.live
def test_the_host_decides_where_it_is_tightest(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A limit larger than what the host has left is not the limit."""
    group = scratch_cgroup(128 * MIB)
    host = Level(HOST_LEVEL, 1 << 30, (1 << 30) - 8 * MIB, 8 * MIB, 0)
    reading = look(group, host)
    assert (reading.limit_level, reading.headroom_bytes) == (HOST_LEVEL, 8 * MIB)


@contextmanager
def swap(count: int) -> Iterator[None]:
    """A small swap file in use; taken out of use again."""
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
        file.write(b"\0" * count)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o600)
        try:
            subprocess.run(["mkswap", file.name], check=True, capture_output=True)
            subprocess.run(["swapon", file.name], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no swap can be made here: {error}")
        try:
            yield
        finally:
            subprocess.run(["swapoff", file.name], check=True, capture_output=True)


@pytest.mark.live
def test_swap_counts_as_far_as_the_limits_allow(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """What may be swapped out is headroom, shown apart; what has been swapped out is use; memsw = limit allows none."""
    none, some, open_ended = (scratch_cgroup() for _ in range(3))
    none.limit(32 * MIB, 0)
    some.limit(32 * MIB, 16 * MIB)
    open_ended.write("memory.limit_in_bytes", str(32 * MIB))
    with swap(64 * MIB):
        host = HOST._replace(swap_headroom_bytes=60 * MIB)
        allowed = [look(group, host).swap_headroom_bytes for group in (none, some, open_ended)]
        assert allowed == [0, 16 * MIB, 60 * MIB]
        assert look(some, HOST).swap_headroom_bytes == 0
        with worker(some) as one:
            one.hold(36 * MIB)
            full = look(some, host)
            assert full.swap_bytes > 4 * MIB
            assert full.used_bytes > 34 * MIB
            assert abs(full.used_bytes + full.headroom_bytes - 48 * MIB) < SLACK
            assert abs(full.swap_headroom_bytes - (16 * MIB - full.swap_bytes)) < SLACK


@pytest.mark.live
def test_near_misses_are_counted_on_v1(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Two rises above 95 % with a fall between are two near misses; staying above is no further one."""
    group = scratch_cgroup(64 * MIB)
    collector = CgroupCollector(Cgroupfs(group.mount, 1))

    def near() -> int | None:
        settle()
        collector.begin(HOST)
        reading = collector.glance(group.path)
        return None if reading is None else reading.near_misses

    with worker(group) as one:
        assert near() == 0
        for expected in (1, 2):
            one.hold(int(0.975 * 64 * MIB) - group.used_bytes())
            assert [near(), near()] == [expected, expected]
            one.do("held.clear()")
            assert near() == expected
    assert group.kernel_kills() == 0
    collector.forget_all_but(set())


def test_a_near_miss_ends_below_ninety_percent() -> None:
    """Swinging between 91 and 96 % is one near miss, and without a limit there is none."""
    counter = NearMisses()
    assert [counter.see(used, 100) for used in (96, 91, 96, 89, 96)] == [1, 1, 1, 1, 2]
    assert [counter.see(used, None) for used in (10, 1000)] == [2, 2]


@pytest.mark.live
def test_a_cgroup_made_again_is_another_target(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Gone is None, made again has another identity, its own limit, and no near miss of its predecessor."""
    group = scratch_cgroup(64 * MIB)
    collector = CgroupCollector(Cgroupfs(group.mount, 1))
    collector.begin(HOST)
    before = collector.read(group.path)
    group.directory.rmdir()
    collector.begin(HOST)
    assert collector.read(group.path) is None
    assert collector.target(group.path) is None
    group.directory.mkdir()
    group.limit(32 * MIB)
    collector.begin(HOST)
    after = collector.read(group.path)
    assert before is not None and after is not None
    assert before.target.identity != after.target.identity
    assert after.own_limit_bytes == 32 * MIB
    group.directory.rmdir()
    group.directory.mkdir()
    collector.begin(HOST)
    at_once = collector.read(group.path)
    assert at_once is not None and at_once.target.identity != after.target.identity
    assert at_once.own_limit_bytes is None
    collector.forget_all_but(set())


@pytest.mark.live
def test_a_changed_limit_is_seen_at_the_next_look(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Limits are read at every look, not remembered."""
    group = scratch_cgroup(64 * MIB)
    collector = CgroupCollector(Cgroupfs(group.mount, 1))
    for limit in (64 * MIB, 48 * MIB):
        group.write("memory.limit_in_bytes", str(limit))
        collector.begin(HOST)
        reading = collector.glance(group.path)
        assert reading is not None and reading.own_limit_bytes == limit
    collector.forget_all_but(set())


@pytest.mark.live
def test_nothing_stays_open(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Forgetting closes every file, and a cgroup that is gone leaves none behind."""
    group = scratch_cgroup(64 * MIB)
    before = len(os.listdir("/proc/self/fd"))
    collector = CgroupCollector(Cgroupfs(group.mount, 1))
    collector.begin(HOST)
    assert collector.read(group.path) is not None
    assert len(os.listdir("/proc/self/fd")) > before
    group.directory.rmdir()
    collector.begin(HOST)
    assert collector.read(group.path) is None
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.live
def test_reading_every_file_leaves_the_kernel_log_quiet(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """None of the files that a look reads is one whose use the kernel warns of."""
    group = scratch_cgroup(64 * MIB)
    look(group)
    log = subprocess.run(["dmesg"], capture_output=True, text=True, errors="replace", check=True).stdout
    warnings = [line for line in log.splitlines() if "deprecated" in line]
    assert [line for line in warnings if "kmem" in line or "oom_control" in line or "pressure_level" in line] == []


@pytest.mark.live
def test_names_may_hold_any_byte(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A cgroup with brackets, blanks and bytes that are no text is read, and shown as safe text."""
    group = scratch_cgroup()
    name = os.fsdecode(b"(x] \xff\xfe")
    (group.directory / name).mkdir()
    collector = CgroupCollector(Cgroupfs(group.mount, 1))
    collector.begin(HOST)
    reading = collector.read(f"{group.path}/{name}")
    assert reading is not None
    assert reading.target.path == f"{group.path}/(x] \\xff\\xfe" == printable_path(f"{group.path}/{name}")
    assert reading.target.kind == CGROUP
    collector.forget_all_but(set())


@pytest.mark.live
def test_what_may_not_be_read_is_one_note(live: str, tmp_path: Path) -> None:
    """Two closed cgroups are passed over, and one note says why and what would help."""
    for above in [tmp_path, *list(tmp_path.parents)[:2]]:
        above.chmod(0o755)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "memory.current").write_text("1\n")
        (tmp_path / name).chmod(0o700)

    def attempt() -> None:
        collector = CgroupCollector(Cgroupfs(str(tmp_path), 2))
        collector.begin(HOST)
        assert [collector.read("/a"), collector.read("/b")] == [None, None]
        (note,) = collector.notes
        assert note.what == "some cgroups"
        assert "root" in note.remedy

    as_nobody(attempt)
