"""Process trees started by hand: /proc/PID/{stat,statm,status,cgroup} of what no service cgroup covers (proc(5)).

A tree is a process group. Its use is what would be freed if it went: anonymous,
swapped-out and shared memory (tmpfs, shm); mapped files are page cache. Shared
memory is counted once, as the member that maps most of it has it: a database's
buffers belong to all its processes. statm is read each pass through kept
descriptors (2 µs a process), status only of processes whose size moved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from forestall.model.errors import Denied, ForestallError
from forestall.model.frame import Note
from forestall.model.target import PROCESS, Target, process_identity
from forestall.parse import cgroup, procpid
from forestall.parse.text import printable
from forestall.system.files import KeptFile
from forestall.system.procfs import Procfs

PROCESSES_MAX: Final = 20_000
MOVED_BYTES: Final = 1024 * 1024
"""A process whose resident size moved by this much has its status read again."""
LOOKED_UP_EVERY: Final = 32
"""Every so many passes a process is looked up afresh: it may have moved to another cgroup or group, or be another."""
STATM_KEPT_MAX: Final = 4096
"""Descriptors kept open; processes beyond are met anew each pass, which costs twenty times as much."""


class Tree(NamedTuple):
    """One process group: what it is called, the cgroup of its leader, its use in bytes, and how many it is."""

    target: Target
    cgroup_path: str
    used_bytes: int
    resident_bytes: int
    swap_bytes: int
    shmem_bytes: int
    pids: int
    start_ticks: int


class _Process:
    """What is remembered of one process between passes. `own_bytes` is anonymous and swapped-out memory."""

    __slots__ = (
        "cgroup_path",
        "own_bytes",
        "resident_bytes",
        "seen",
        "shmem_bytes",
        "size_bytes",
        "stat",
        "statm",
        "status_at_bytes",
        "swap_bytes",
        "target",
    )

    def __init__(self, statm: KeptFile) -> None:
        self.statm = statm
        self.seen: bytes | None = None
        self.size_bytes = -1
        self.status_at_bytes = -MOVED_BYTES
        self.resident_bytes = self.own_bytes = self.shmem_bytes = self.swap_bytes = 0
        self.cgroup_path = ""
        self.stat: procpid.Stat
        self.target: Target


class ProcessCollector:
    """Reads the processes of cgroups that are nobody's row. `notes` says what may not be seen.

    `below` turns a path of /proc/PID/cgroup into one below the memory mount.
    """

    def __init__(
        self,
        procfs: Procfs,
        version: int,
        page_bytes: int,
        below: Callable[[str], str] = str,
        statm_kept_max: int = STATM_KEPT_MAX,
    ) -> None:
        self.notes: list[Note] = []
        self._procfs = procfs
        self._version = version
        self._page_bytes = page_bytes
        self._below = below
        self._kept_max = statm_kept_max
        self._known: dict[int, _Process] = {}
        # Covered processes by their cgroup's path, kernel threads and zombies by None: they cost no descriptor.
        self._passed_over: dict[int, str | None] = {}
        self._passes = 0

    def collect(self, covered: Callable[[str], bool]) -> list[Tree]:
        """Return the process groups whose cgroup `covered` does not claim."""
        self._passes += 1
        pids = self._procfs.pids()[:PROCESSES_MAX]
        self._forget_all_but(set(pids))
        groups: dict[int, list[_Process]] = {}
        for pid in pids:
            if pid in self._passed_over and (pid + self._passes) % LOOKED_UP_EVERY:
                path = self._passed_over[pid]
                if path is None or covered(path):
                    continue
            process = self._look(pid)
            if process is None:
                continue
            if covered(process.cgroup_path):
                self._forget(pid)
                self._passed_over[pid] = process.cgroup_path
            else:
                groups.setdefault(process.stat.pgrp, []).append(process)
        for pid in list(self._known)[self._kept_max :]:
            self._forget(pid)
        return [_tree(group, members) for group, members in groups.items()]

    def _look(self, pid: int) -> _Process | None:
        """Return a process as it is now; None when it is gone, denied, or has no memory of its own."""
        known = self._known.get(pid)
        try:
            if known is not None:
                self._read(pid, known)
                return known
        except ForestallError:  # it is gone; what has this pid now, if anything, is another process
            self._forget(pid)
        try:
            return self._meet(pid)
        except Denied as error:
            if not self.notes:
                self.notes.append(Note("some processes", str(error), "run as root to see them"))
        except ForestallError:
            pass
        return None

    def _meet(self, pid: int) -> _Process | None:
        """Look at a process for the first time; None when it is a kernel thread or a zombie: they have no memory."""
        process = _Process(self._procfs.keep(f"{pid}/statm"))
        try:
            self._read(pid, process)
        except ForestallError:
            process.statm.close()
            raise
        if process.size_bytes == 0:
            process.statm.close()
            self._passed_over[pid] = None
            return None
        self._passed_over.pop(pid, None)
        self._known[pid] = process
        return process

    def _read(self, pid: int, process: _Process) -> None:
        """Bring what is known of a process up to date; raises Absent when it is gone and its pid another's."""
        raw = process.statm.read(128)
        if raw == process.seen and (pid + self._passes) % LOOKED_UP_EVERY:
            return
        size, resident, shared = procpid.statm(raw, self._page_bytes)
        if size != process.size_bytes or raw == process.seen:
            self._look_up(pid, process)
        if abs(resident - process.status_at_bytes) >= MOVED_BYTES:
            status = procpid.status(self._procfs.read(f"{pid}/status", 8192))
            process.shmem_bytes = status.shmem_bytes or 0  # an exiting process has no sizes any more
            process.swap_bytes = status.swap_bytes or 0
            process.status_at_bytes = resident
        process.size_bytes = size
        process.resident_bytes = resident
        process.own_bytes = max(0, resident - shared) + process.swap_bytes
        process.seen = raw

    def _look_up(self, pid: int, process: _Process) -> None:
        """Read who a process is and where: exec, setpgid and a move to another cgroup change that."""
        stat = procpid.stat(self._procfs.read(f"{pid}/stat", 4096))
        path = self._below(cgroup.memory_path(self._procfs.read(f"{pid}/cgroup", 16384), self._version))
        process.stat = stat
        process.cgroup_path = path
        identity = process_identity(pid, stat.start_ticks)
        process.target = Target(PROCESS, identity, stat.comm, printable(path))

    def _forget(self, pid: int) -> None:
        process = self._known.pop(pid, None)
        if process is not None:
            process.statm.close()

    def _forget_all_but(self, pids: set[int]) -> None:
        for pid in self._known.keys() - pids:
            self._forget(pid)
        for pid in self._passed_over.keys() - pids:
            del self._passed_over[pid]


def _tree(group: int, members: list[_Process]) -> Tree:
    leader = next((one for one in members if one.stat.pid == group), None)
    if leader is None:
        leader = min(members, key=lambda one: one.stat.start_ticks)
    shmem = max(one.shmem_bytes for one in members)
    return Tree(
        leader.target,
        leader.cgroup_path,
        sum([one.own_bytes for one in members]) + shmem,
        sum([one.resident_bytes for one in members]),
        sum([one.swap_bytes for one in members]),
        shmem,
        len(members),
        leader.stat.start_ticks,
    )


def tree_of(procfs: Procfs, group: int) -> list[int]:
    """Return the pids of a process group that are alive now."""
    found = []
    for pid in procfs.pids():
        try:
            if procpid.stat(procfs.read(f"{pid}/stat", 4096)).pgrp == group:
                found.append(pid)
        except ForestallError:
            continue
    return found


PLUGIN = ProcessCollector
