"""Forked children of the guard: recorder and hands.

They are forked from the lean guard, not executed anew: no interpreter start, no
file is read at the moment of need. Each child closes what is not its own, takes
back normal priority, and dies with its parent's pipe.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from forestall.agent.mission import Kin
from forestall.collect.tree import TreeCollector
from forestall.model.errors import Absent, ForestallError
from forestall.parse import procpid
from forestall.system.process import Held, favour_nobody, reap, usual_open_files
from forestall.system.procfs import Procfs

KILL_SECONDS: Final = 0.1
_FD_MAX: Final = 65536


class Child(NamedTuple):
    """A forked child: its pid and its pidfd, which becomes readable when it ends."""

    pid: int
    held: Held

    def kill(self) -> None:
        """End it for good, also when it is stopped; never waits longer than KILL_SECONDS.

        One that is stuck in a disk's or a target's lock ends when that lets go: the zombie is then left to
        `reap_orphans`.
        """
        if self.held.fd < 0:
            return
        with contextlib.suppress(Absent):
            self.held.signal(signal.SIGKILL)
        poller = select.poll()
        poller.register(self.held.fd, select.POLLIN)
        poller.poll(KILL_SECONDS * 1000)
        with contextlib.suppress(Absent):
            reap(self.pid)
        self.held.close()

    def ended(self) -> bool:
        """Whether it has ended; its zombie is taken away then."""
        try:
            status = reap(self.pid)
        except Absent:
            status = 0
        if status is None:
            return False
        self.held.close()
        return True


def is_ours(procfs: Procfs, pid: int, kin: Iterable[Kin] = ()) -> bool:
    """Whether a process is this one or one of `kin`, or descends from them."""
    living = (one.pid for one in kin if _start_ticks(procfs, one.pid) == one.start_ticks)
    roots = (os.getpid(), *living)
    return any(pid == root or TreeCollector(procfs, 1, root, frozenset()).belongs(pid) for root in roots)


def kin_of(pid: int) -> Kin:
    """Return a process as one of our kin; raises Absent when it is gone."""
    return Kin(pid, procpid.stat(Procfs().read(f"{pid}/stat", 4096)).start_ticks)


def _start_ticks(procfs: Procfs, pid: int) -> int:
    try:
        return procpid.stat(procfs.read(f"{pid}/stat", 4096)).start_ticks
    except ForestallError:
        return -1


def fork_child(work: Callable[[], int], keep: Iterable[int]) -> Child:
    """Fork a child that runs `work` and exits with what it returns, with only `keep` and 0, 1, 2 open."""
    kept = sorted({0, 1, 2, *keep})
    # Held back until the child has its own signal actions: one that came in between would be lost.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return Child(pid, Held(pid))
    code = 70
    try:
        _come_of_age(kept)
        code = work()
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - the child must not run on in the guard's frames
        import traceback

        with contextlib.suppress(OSError):
            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(code)


def _come_of_age(kept: list[int]) -> None:
    for low, high in zip(kept, [*kept[1:], _FD_MAX], strict=True):
        if low + 1 < high:
            os.closerange(low + 1, high)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    favour_nobody()
    usual_open_files()
