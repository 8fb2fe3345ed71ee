"""Stopping a target: TERM, a grace as long as there is time, KILL; every member and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from forestall.act.terminate import DEATH_SECONDS_MAX, HEADROOM_BYTES_MIN, Progress, Termination
from forestall.agent.eyes import CgroupEye
from forestall.agent.sweep import find_cgroups
from forestall.model.action import DONE, FAILED
from forestall.system.procfs import Procfs
from tests.support.processes import HEEDS_TERM, IGNORES_TERM, gone, into, python, started, wait_until
from tests.support.scratch import ScratchCgroup

MIB = 2**20


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Holds the processes of a test."""
    with ExitStack() as one:
        yield one


def up(stack: ExitStack, code: str) -> subprocess.Popen[str]:
    """A process that has said that it is ready."""
    process = stack.enter_context(started(python(code)))
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def terminate(
    pids: Callable[[], list[int]],
    *,
    grace: float = 5.0,
    belongs: Callable[[int], bool] = lambda _: True,
    headroom: float = float("inf"),
    rate: float = 0.0,
    seconds: float = 8.0,
) -> Progress:
    """Drive a termination as the guard does, on the real clock, until it is over."""
    began = time.monotonic()
    ending = Termination(pids, belongs, grace, began)
    while time.monotonic() - began < seconds:
        progress = ending.step(time.monotonic(), headroom, rate)
        if progress.result:
            ending.close()
            return progress
        time.sleep(0.01)
    raise AssertionError("it did not come to an end")


def test_who_heeds_term_is_gone_with_it(stack: ExitStack) -> None:
    """A process that ends at SIGTERM is never killed, and how long it took is told."""
    process = up(stack, HEEDS_TERM)
    progress = terminate(lambda: [process.pid])
    assert progress.result == DONE
    assert progress.words.startswith("stopped with SIGTERM")
    assert process.wait() == -signal.SIGTERM


def test_who_ignores_term_is_killed_after_the_grace(stack: ExitStack) -> None:
    """KILL goes out when the grace is over, not before, and the reason is told."""
    process = up(stack, IGNORES_TERM)
    began = time.monotonic()
    progress = terminate(lambda: [process.pid], grace=0.5)
    assert 0.5 <= time.monotonic() - began < 2.0
    assert "the grace of 0.5 s was over" in progress.words
    assert process.wait() == -signal.SIGKILL


def test_a_process_gets_all_the_grace_that_there_is_room_for(stack: ExitStack) -> None:
    """One that needs a while to leave is left to it while the limit is far."""
    slow = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.6), sys.exit(3)))\n"
        "print('up', flush=True)\ntime.sleep(60)"
    )
    process = up(stack, slow)
    progress = terminate(lambda: [process.pid], headroom=100 * MIB, rate=20 * MIB)
    assert progress.words.startswith("stopped with SIGTERM")
    assert process.wait() == 3


@pytest.mark.parametrize(
    ("headroom", "rate", "why"),
    [
        (10 * MIB, 100 * MIB, "the limit was 100 ms away at 100 MiB/s"),
        (HEADROOM_BYTES_MIN - 1, 0.0, "only 2.0 MiB were left"),
        (-5 * MIB, 0.0, "only 0.0 MiB were left"),
    ],
)
def test_the_grace_ends_when_the_limit_is_near(stack: ExitStack, headroom: float, rate: float, why: str) -> None:
    """However long the grace, KILL goes out when the rate or what is left says that the kernel is next."""
    process = up(stack, IGNORES_TERM)
    progress = terminate(lambda: [process.pid], grace=60.0, headroom=headroom, rate=rate)
    assert why in progress.words
    assert process.wait() == -signal.SIGKILL


def test_term_comes_before_kill_even_without_any_time(stack: ExitStack) -> None:
    """A grace of nothing is a KILL at the first look; a negative one is the same."""
    for grace in (0.0, -3.0):
        process = up(stack, IGNORES_TERM)
        terminate(lambda pid=process.pid: [pid], grace=grace)  # type: ignore[misc]
        assert process.wait() == -signal.SIGKILL


def test_nothing_to_stop_is_done() -> None:
    """A target whose processes have all gone is done at the first look, without a signal."""
    assert terminate(list) == Progress(DONE, "nothing was left to stop", 0.0)


def test_a_vanished_process_is_no_failure(stack: ExitStack) -> None:
    """A pid that is listed and already gone is passed over."""
    process = up(stack, HEEDS_TERM)
    process.kill()
    process.wait()
    assert terminate(lambda: [process.pid, 2**22 - 3]).result == DONE


def test_only_members_are_hit(stack: ExitStack) -> None:
    """A pid that was listed but is somebody else's when it is looked up again is let go, and lives."""
    member, stranger = up(stack, HEEDS_TERM), up(stack, HEEDS_TERM)
    terminate(lambda: [member.pid, stranger.pid], belongs=lambda pid: pid == member.pid)
    assert member.wait() == -signal.SIGTERM
    assert stranger.poll() is None


def test_a_zombie_is_not_waited_for(stack: ExitStack) -> None:
    """A process that has ended but is not reaped by its parent counts as gone."""
    parent = (
        "import os, time\npid = os.fork()\n"
        "if not pid:\n    time.sleep(60)\n"
        "print('up', flush=True)\nprint(pid, flush=True)\ntime.sleep(60)"
    )
    process = up(stack, parent)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert terminate(lambda: [child]).result == DONE
    assert gone(child)
    assert process.poll() is None


def test_a_stopped_process_is_ended(stack: ExitStack) -> None:
    """A process in SIGSTOP cannot heed TERM and goes with KILL."""
    process = up(stack, HEEDS_TERM)
    os.kill(process.pid, signal.SIGSTOP)
    terminate(lambda: [process.pid], grace=0.2)
    assert process.wait() in (-signal.SIGKILL, -signal.SIGTERM)


def test_one_that_outlives_kill_is_a_failure() -> None:
    """A target that still lists living processes long after KILL has failed, and that is said; the clock is ours."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    try:
        # The process is not ours to end here: it stands for one that KILL does not reach.
        ending = Termination(lambda: [pid], lambda _: True, 0.0, 100.0)
        ending._signal = lambda *_: None  # type: ignore[method-assign]
        assert ending.step(100.0, 1e9, 0.0).result == ""
        progress = ending.step(100.1 + DEATH_SECONDS_MAX, 1e9, 0.0)
        ending.close()
        assert progress.result == FAILED
        assert "1 processes outlived SIGKILL" in progress.words
    finally:
        os.close(writing)
        os.waitpid(pid, 0)


def test_no_descriptor_is_left_behind(stack: ExitStack) -> None:
    """Every pidfd is closed when it is over, also when it is given up half way."""
    before = len(os.listdir("/proc/self/fd"))
    process = up(stack, IGNORES_TERM)
    opened = len(os.listdir("/proc/self/fd"))
    ending = Termination(lambda: [process.pid], lambda _: True, 60.0, 0.0)
    ending.step(0.1, 1e12, 0.0)
    assert len(os.listdir("/proc/self/fd")) == opened + 1
    ending.close()
    assert len(os.listdir("/proc/self/fd")) == opened >= before


@pytest.mark.live
def test_children_forked_during_the_stop_are_ended_too(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Processes that fork on being told to stop, deaf to TERM, are all gone from the cgroup at the end."""
    group = scratch_cgroup(96 * MIB)
    bomb = (
        "import os, signal, time\n"
        "def more(*_):\n"
        "    for _ in range(3):\n"
        "        if os.fork() == 0:\n"
        "            signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, more)\n"
        "print('up', flush=True)\n"
        "ends = time.monotonic() + 20\n"
        "while time.monotonic() < ends:\n"
        "    time.sleep(0.05)\n"
    )
    process = subprocess.Popen(into(group, python(bomb)), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    cgroups = find_cgroups(Procfs())
    assert cgroups is not None
    eye = CgroupEye(cgroups, Procfs(), group.path)
    progress = terminate(eye.members, belongs=eye.belongs, grace=0.5)
    process.wait()
    process.stdout.close()
    assert progress.result == DONE
    wait_until(lambda: group.pids() == [], 2.0)


@pytest.mark.live
def test_a_target_below_another_is_part_of_it(stack: ExitStack, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Processes in cgroups below the target's own are members, those of a sibling with a longer name are not."""
    group = scratch_cgroup(64 * MIB)
    below = group.child("worker")
    beside = ScratchCgroup(group.mount, group.path + "2")
    try:
        inside = stack.enter_context(started(into(below, python(HEEDS_TERM))))
        outside = stack.enter_context(started(into(beside, python(HEEDS_TERM))))
        for process in (inside, outside):
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
        cgroups = find_cgroups(Procfs())
        assert cgroups is not None
        eye = CgroupEye(cgroups, Procfs(), group.path)
        assert eye.members() == [inside.pid]
        terminate(lambda: [inside.pid, outside.pid], belongs=eye.belongs)
        assert inside.wait() == -signal.SIGTERM
        assert outside.poll() is None
    finally:
        beside.remove()
