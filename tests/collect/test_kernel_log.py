"""Kills as the kernel log tells them: a real one, captured ones, and a log that may not be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.collect.kernel_log import KernelLogCollector
from forestall.engine.watched import concerns as engine_concerns
from forestall.model.frame import Moment
from forestall.model.kill import FROM_KERNEL_LOG, UNNAMED_CGROUP, Kill
from forestall.model.target import CGROUP, HOST, Target
from forestall.query.views import concerns as screen_concerns
from forestall.system.clock import Clock
from tests.support.samples import sample
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody
from tests.support.worker import MIB, worker

MOMENT = Moment(10_000.0, 1_800_000_000.0, "b00t")


def killed_in(group: ScratchCgroup, kills: tuple[Kill, ...]) -> list[Kill]:
    """Kills of one group: other tests have theirs at the same time."""
    return [kill for kill in kills if kill.limit_path == group.path]


@pytest.mark.live
@pytest.mark.parametrize("name", [b"leaker", b"a) b [c]", b"x,pid=1,uid=0"])
def test_a_real_kill_has_its_victim_and_its_cgroup(scratch_cgroup: Callable[..., ScratchCgroup], name: bytes) -> None:
    """The kernel kills in a limited group: pid, name, both cgroups and the time are right, and it is told once."""
    group = scratch_cgroup(24 * MIB)
    inside = group.child("inside")
    log = KernelLogCollector(from_start=False)
    assert log.fd is not None
    before = Clock().now()
    with worker(inside) as one:
        one.do(f"open('/proc/self/comm', 'wb').write({name!r})")
        one.begin(f"held = [b'x' * {MIB} for _ in range(64)]")
        assert one.wait() == -9
    after = Clock().now()
    (kill,) = killed_in(group, log.collect(after))
    assert (kill.pid, kill.comm, kill.source) == (one.pid, name.decode(), FROM_KERNEL_LOG)
    assert (kill.limit_path, kill.victim_path) == (group.path, inside.path)
    assert before.boottime_seconds - 0.1 <= kill.at_boottime_seconds <= after.boottime_seconds + 0.1
    assert abs(kill.wall_seconds - after.wall_seconds) < 30
    assert kill.anon_rss_bytes is not None and 8 * MIB < kill.anon_rss_bytes < 24 * MIB
    assert killed_in(group, log.collect(after)) == []
    assert group.kernel_kills() + inside.kernel_kills() >= 1
    again = KernelLogCollector(from_start=True)
    assert [one_kill.pid for one_kill in killed_in(group, again.collect(after))] == [one.pid]
    log.close()
    again.close()


def test_captured_records_are_told_and_rubbish_is_counted(tmp_path: Path) -> None:
    """Three captured kills, one record a read as the kernel gives them; a record that is none is counted."""
    fifo = tmp_path / "kmsg"
    os.mkfifo(fifo)
    log = KernelLogCollector(from_start=True, path=str(fifo))
    records = [record for record in sample("linux-6.18-v1", "kmsg").split(b"\n") if record]
    kills: list[Kill] = []
    with fifo.open("wb", buffering=0) as writer:
        for record in [*records[:1], b"rubbish", *records[1:]]:
            writer.write(record + b"\n")
            kills += log.collect(MOMENT)
    assert len(kills) == 3
    assert log.malformed == 1
    assert all(kill.pid is not None and kill.limit_path is not None for kill in kills)
    assert all(kill.wall_seconds - kill.at_boottime_seconds == 1_799_990_000.0 for kill in kills)
    log.close()


def test_a_kill_without_its_summary_is_some_cgroups_and_not_the_hosts(tmp_path: Path) -> None:
    """Under a storm the summary is dropped: the kill line alone still tells a cgroup's limit from the host's memory."""
    fifo = tmp_path / "kmsg"
    os.mkfifo(fifo)
    log = KernelLogCollector(from_start=True, path=str(fifo))
    line = b"3,%d,%d,-;%s: Killed process 81%d (leaker) total-vm:1052kB, anon-rss:980kB, file-rss:0kB, shmem-rss:0kB\n"
    kills: list[Kill] = []
    with fifo.open("wb", buffering=0) as writer:
        for number, words in enumerate((b"Memory cgroup out of memory", b"Out of memory")):
            writer.write(line % (number, 5_000_000 + number, words, number))
            kills += log.collect(MOMENT)
    assert [kill.limit_path for kill in kills] == [UNNAMED_CGROUP, None]
    host = Target(HOST, "b00t", "host")
    assert [engine_concerns(kill, host) for kill in kills] == [False, True]
    assert [screen_concerns(kill, host) for kill in kills] == [False, True]
    assert [engine_concerns(kill, Target(CGROUP, "/#1", "/", "/")) for kill in kills] == [False, False]
    log.close()


@pytest.mark.live
def test_a_log_that_may_not_be_read_is_a_note(live: str, tmp_path: Path) -> None:
    """Nobody sees no kills, says so once, and says where kills are known from instead and what would help."""
    node = tmp_path / "kmsg"
    os.mknod(node, 0o20600, os.makedev(1, 11))
    for above in [tmp_path, *list(tmp_path.parents)[:2]]:
        above.chmod(0o755)

    def look() -> None:
        log = KernelLogCollector(from_start=True, path=str(node))
        assert (log.fd, log.collect(MOMENT)) == (None, ())
        (note,) = log.notes
        assert "oom_kill counters" in note.why
        assert "root" in note.remedy
        log.close()

    as_nobody(look)
