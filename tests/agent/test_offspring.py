"""Forked children: clean of what protects the guard, ended for good, and never waited for."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.agent.offspring import fork_child, is_ours, kin_of
from forestall.system.procfs import Procfs
from tests.support.processes import gone, started, state, wait_until


def told_by_child(work: Callable[[int], int]) -> bytes:
    """What a child writes to the one descriptor that it keeps, after it has ended."""
    reading, writing = os.pipe()
    child = fork_child(lambda: work(writing), (writing,))
    os.close(writing)
    told = b""
    while part := os.read(reading, 65536):
        told += part
    os.close(reading)
    child.kill()
    return told


def test_a_child_keeps_no_descriptor_but_its_own() -> None:
    """Of everything that is open here, only 0, 1, 2 and what is to be kept is open in the child."""
    strangers = [os.open("/proc/self/stat", os.O_RDONLY) for _ in range(20)]

    def work(fd: int) -> int:
        open_now = [int(name) for name in os.listdir("/proc/self/fd")]
        os.write(fd, json.dumps([fd, open_now]).encode())
        return 0

    kept, found = json.loads(told_by_child(work))
    for stranger in strangers:
        os.close(stranger)
    assert kept in found
    # One more is the listing itself.
    assert len(set(found) - {0, 1, 2, kept}) <= 1


@pytest.mark.live
def test_a_child_gives_back_what_protects_the_guard() -> None:
    """oom_score_adj and nice are 0 in a child, whatever the parent has."""
    if os.geteuid() != 0:
        pytest.skip("needs root")

    def parent(fd: int) -> int:
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
        os.setpriority(os.PRIO_PROCESS, 0, -5)
        grandchild = fork_child(lambda: child(fd), (fd,))
        os.waitpid(grandchild.pid, 0)
        return 0

    def child(fd: int) -> int:
        adjustment = Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip()
        os.write(fd, f"{adjustment} {os.getpriority(os.PRIO_PROCESS, 0)}".encode())
        return 0

    assert told_by_child(parent) == b"0 0"


def test_a_child_has_signals_as_usual() -> None:
    """TERM ends a child even when the parent ignores it; Ctrl-C at the terminal does not reach it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:

        def work(fd: int) -> int:
            defaults = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            os.write(fd, f"{defaults} {signal.getsignal(signal.SIGINT) == signal.SIG_IGN}".encode())
            return 0

        assert told_by_child(work) == b"True True"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_stopped_child_is_killed_too() -> None:
    """SIGSTOP does not keep a child from being ended, its zombie is taken away, and a second kill does nothing."""
    child = fork_child(_sleep, ())
    os.kill(child.pid, signal.SIGSTOP)
    wait_until(lambda: state(child.pid) == "T")
    child.kill()
    child.kill()
    assert state(child.pid) == ""


def test_killing_takes_no_time() -> None:
    """Ending a child does not hold up the guard."""
    child = fork_child(_sleep, ())
    began = time.monotonic()
    child.kill()
    assert time.monotonic() - began < 0.3


def test_an_exception_in_a_child_stays_in_it(capfd: pytest.CaptureFixture[str]) -> None:
    """A child that fails tells a traceback, ends with 70, and never runs on in the parent's frames."""
    child = fork_child(_fail, ())
    _, status = os.waitpid(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 70
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert child.ended()


def test_a_child_that_ended_is_known_to_have() -> None:
    """`ended` is false while it runs and true after."""
    child = fork_child(_sleep, ())
    assert not child.ended()
    # At once: a signal that comes while the child is being forked is not lost.
    os.kill(child.pid, signal.SIGTERM)
    wait_until(lambda: gone(child.pid))
    assert child.ended()


def test_we_and_ours_are_told_from_others() -> None:
    """This process and what descends from it is ours; its parent and pid 1 are not."""
    procfs = Procfs()
    with started(["sh", "-c", "sleep 30 & echo $!; wait"]) as shell:
        assert shell.stdout is not None
        grandchild = int(shell.stdout.readline())
        assert all(is_ours(procfs, pid) for pid in (os.getpid(), shell.pid, grandchild))
    assert not is_ours(procfs, os.getppid())
    assert not is_ours(procfs, 1)
    assert not is_ours(procfs, grandchild)


def test_kin_is_ours_with_what_descends_from_it_and_only_itself() -> None:
    """A named process elsewhere in the tree is ours with its children; another one with its pid would not be."""
    procfs = Procfs()
    with started(["sh", "-c", "sleep 30 & echo $!; wait"]) as shell:
        assert shell.stdout is not None
        grandchild = int(shell.stdout.readline())
        named = kin_of(shell.pid)
        later = named._replace(start_ticks=named.start_ticks + 1)

        def work(fd: int) -> int:
            asked = ((grandchild, ()), (shell.pid, (named,)), (grandchild, (named,)), (grandchild, (later,)))
            os.write(fd, json.dumps([is_ours(procfs, pid, kin) for pid, kin in asked]).encode())
            return 0

        told = json.loads(told_by_child(work))
    assert told == [False, True, True, False]
    assert not is_ours(procfs, 1, (named,))


def _sleep() -> int:
    time.sleep(60)
    return 0


def _fail() -> int:
    return 1 // 0
