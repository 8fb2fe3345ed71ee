"""The inspector: a child that reads what takes a target's mmap lock, with a deadline, replaced when it hangs.

smaps_rollup costs 12 ms per GiB of 4 KiB pages with the lock held (measured);
cmdline and exe wait on the same lock. None of that may stop the recorder, and
none of it ever reaches the guard.
"""

from __future__ import annotations

import os
import resource
import select
from collections.abc import Sequence
from typing import Any, Final

from forestall.agent.lines import Inlet, Outlet
from forestall.agent.offspring import Child, fork_child
from forestall.model.capture import Piece
from forestall.model.errors import ForestallError
from forestall.parse import procpid, smaps
from forestall.parse.text import printable
from forestall.system.clock import boottime_seconds
from forestall.system.procfs import Procfs

DEADLINE_SECONDS: Final = 1.0
"""For all processes of one capture: half of the silence after which the guard replaces the recorder."""
PROCESSES_MAX: Final = 5
RESIDENT_BYTES_MAX: Final = 4 * 2**30
"""Larger processes are not walked: the lock would be held for 50 ms and more."""
ADDRESS_SPACE_BYTES_MAX: Final = 256 * 2**20
CMDLINE_BYTES_MAX: Final = 1000


class Inspector:
    """The recorder's view of it. It is forked at the first question and after it had to be killed."""

    def __init__(self, procfs: Procfs) -> None:
        self.killed = 0
        self._procfs = procfs
        self._child: Child | None = None
        self._ask: Outlet | None = None
        self._told: Inlet | None = None

    @property
    def pid(self) -> int:
        """Its pid, 0 while there is none."""
        return 0 if self._child is None else self._child.pid

    def inspect(self, pids: Sequence[int], deadline_seconds: float = DEADLINE_SECONDS) -> list[Piece]:
        """Return smaps_rollup and command line of a few processes; what is not told by the deadline is left out."""
        self._stand_ready()
        assert self._ask is not None
        assert self._told is not None
        wanted = list(pids)[:PROCESSES_MAX]
        pieces: list[Piece] = []
        until = boottime_seconds() + deadline_seconds
        for pid in wanted:
            self._ask.send({"pid": pid})
            answer = self._answer(until)
            if answer is None:
                self._put_down()
                pieces.append(Piece(f"inspector {pid}", "no answer before the deadline: it was replaced"))
                return pieces
            pieces += [Piece(str(name), str(text)) for name, text in answer.get("pieces", [])]
        return pieces

    def _answer(self, until: float) -> dict[str, Any] | None:
        assert self._told is not None
        poller = select.poll()
        poller.register(self._told.fd, select.POLLIN)
        while (left := until - boottime_seconds()) > 0 and not self._told.ended:
            poller.poll(left * 1000)
            messages = self._told.receive()
            if messages:
                return messages[0]
        return None

    def _stand_ready(self) -> None:
        if self._child is not None and not self._child.ended():
            return
        self._child = None
        ask_reading, ask_writing = os.pipe2(os.O_CLOEXEC)
        told_reading, told_writing = os.pipe2(os.O_CLOEXEC)
        procfs = self._procfs
        self._child = fork_child(lambda: _work(procfs, ask_reading, told_writing), (ask_reading, told_writing))
        os.close(ask_reading)
        os.close(told_writing)
        self._ask, self._told = Outlet(ask_writing), Inlet(told_reading)

    def _put_down(self) -> None:
        self.killed += 1
        self.close()

    def close(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.kill()
            self._child = None
        for end in (self._ask, self._told):
            if end is not None:
                end.close()


def _work(procfs: Procfs, ask_fd: int, told_fd: int) -> int:
    resource.setrlimit(resource.RLIMIT_DATA, (ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX))
    inlet, outlet = Inlet(ask_fd), Outlet(told_fd)
    poller = select.poll()
    poller.register(ask_fd, select.POLLIN)
    while not inlet.ended:
        poller.poll()
        for message in inlet.receive():
            outlet.send({"pieces": _look_at(procfs, int(message["pid"]))})
    return 0


def _look_at(procfs: Procfs, pid: int) -> list[tuple[str, str]]:
    pieces = []
    try:
        resident = procpid.statm(procfs.read(f"{pid}/statm", 128), os.sysconf("SC_PAGE_SIZE")).resident_bytes
        if resident > RESIDENT_BYTES_MAX:
            why = f"not walked: {resident / 2**30:.0f} GiB are resident, its lock would be held too long"
            return [(f"smaps_rollup {pid}", why)]
        rollup = smaps.rollup(procfs.read(f"{pid}/smaps_rollup", 8192))
        text = "\n".join(f"{key}: {value // 1024} kB" for key, value in rollup.items())
        pieces.append((f"smaps_rollup {pid}", text))
    except ForestallError as error:
        pieces.append((f"smaps_rollup {pid}", f"not to be had: {error}"))
    try:
        words = procfs.read(f"{pid}/cmdline", CMDLINE_BYTES_MAX).rstrip(b"\0").split(b"\0")
        pieces.append((f"cmdline {pid}", " ".join(printable(word) for word in words)))
    except ForestallError:
        return pieces
    return pieces
