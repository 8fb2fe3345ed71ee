"""The guard's rooms on real cgroups: a gaze that is polled like the guard polls it, and policies in a line."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, NamedTuple

from forestall.agent.discovery import Discovery
from forestall.agent.gaze import Gaze, Sources
from forestall.agent.sweep import find_cgroups
from forestall.agent.watch import Watch
from forestall.model.frame import Frame
from forestall.model.policy import Policy, Step
from forestall.parse import condition
from forestall.system.procfs import Procfs
from tests.support.scratch import ScratchCgroup

POLL_SECONDS_MAX = 0.2


def policy(match: str, when: str = "used > 92% of limit", do: str = "notify", **fields: Any) -> Policy:
    """A policy of one step; `do` as words with commas between them."""
    return Policy(match, (Step(condition.parse(when), condition.deeds(do.split(", ")), when),), **fields)


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))


class Onlooker:
    """A gaze with the loop around it that the guard has; `looks` counts the readings of each target by its path."""

    def __init__(self, gaze: Gaze) -> None:
        self.gaze = gaze
        self.looks: dict[str, int] = {}
        self.wakes = 0
        self.frames = 0

    def turn(self) -> Frame | None:
        """Wait like the guard, look once."""
        poller = select.poll()
        for fd in self.gaze.fds:
            poller.register(fd, select.POLLIN)
        left = self.gaze.due() - self.gaze.sources.clock.now().boottime_seconds
        ready = {fd for fd, _ in poller.poll(max(0.0, min(left, POLL_SECONDS_MAX)) * 1000)}
        self.wakes += bool(ready)
        self.gaze.woken(ready)
        frame = self.gaze.look()
        if frame is not None:
            self.frames += 1
            for reading in frame.readings:
                self.looks[reading.target.path] = self.looks.get(reading.target.path, 0) + 1
            self.gaze.plan(frame, ())
        return frame

    def until(self, question: Callable[[], object], seconds: float = 5.0) -> float:
        """Turn until the answer is yes, and say how long that took; fails when it is not within `seconds`."""
        began = time.monotonic()
        while not question():
            assert time.monotonic() - began < seconds, "it did not come to pass in time"
            self.turn()
        return time.monotonic() - began

    def during(self, seconds: float) -> None:
        """Turn for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.turn()

    def watch(self, path: str) -> Watch | None:
        """The watch of a cgroup, None while it has none."""
        found = [watch for identity, watch in self.gaze.watches.items() if identity.rpartition("#")[0] == path]
        return found[0] if found else None


class Stranger(NamedTuple):
    """A process that is no descendant of the test's, so that a guard in the test does not take it for its own."""

    pid: int
    said: IO[str]


@contextmanager
def stranger(group: ScratchCgroup, argv: list[str]) -> Iterator[Stranger]:
    """A program in the group, orphaned at once, after its first line; killed when the test leaves the block."""
    words = ["sh", "-c", f'echo $$ >{group.directory}/cgroup.procs; "$@" & echo $!', "sh", *argv]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        pid = int(shell.stdout.readline())
        held = os.pidfd_open(pid)
        try:
            shell.wait()
            assert shell.stdout.readline()
            yield Stranger(pid, shell.stdout)
        finally:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(held, signal.SIGKILL)
            os.close(held)


@contextmanager
def onlooker(*policies: Policy, host: Policy | None = None) -> Iterator[Onlooker]:
    """A gaze over the real hierarchy, closed when the test leaves the block."""
    procfs = Procfs()
    cgroups = find_cgroups(procfs)
    assert cgroups is not None
    sources = Sources(procfs, cgroups, os.sysconf("SC_PAGE_SIZE"))
    gaze = Gaze(sources, Discovery(cgroups, procfs, policies), host)
    try:
        yield Onlooker(gaze)
    finally:
        gaze.close()
        cgroups.forget_all_but(set())
