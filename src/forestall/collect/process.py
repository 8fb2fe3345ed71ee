"""Process trees started by hand: /proc/PID/{stat,statm,status,cgroup} of what no service cgroup covers (proc(5)).

A tree is a process group. Its use is what would be freed if it went: anonymous,
shared (tmpfs, shm) and swapped-out memory; mapped files are page cache. statm
is read each pass through kept descriptors (2 µs a process), status only of
processes whose size moved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from forestall.model.errors import Absent, Denied, ForestallError
from forestall.model.frame import Note
from forestall.model.target import PROCESS, Target, process_identity
from forestall.parse import cgroup, procpid
from forestall.parse.text import printable
from forestall.system.files import KeptFile
from forestall.system.procfs import Procfs

PROCESSES_MAX: Final = 20_000
MOVED_BYTES: Final = 1024 * 1024
"""A process whose resident size moved by this much has its status read again."""
KERNEL_THREADS_PARENT: Final = 2


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
    """What is remembered of one process between passes."""

    __slots__ = ("cgroup_path", "resident_bytes", "shmem_bytes", "stat", "statm", "swap_bytes")

    def __init__(self, stat: procpid.Stat, statm: KeptFile, cgroup_path: str) -> None:
        self.stat = stat
        self.statm = statm
        self.cgroup_path = cgroup_path
        self.resident_bytes = -MOVED_BYTES
        self.shmem_bytes = 0
        self.swap_bytes = 0


class ProcessCollector:
    """Reads the processes of cgroups that are nobody's row. `notes` says what may not be seen."""

    def __init__(self, procfs: Procfs, version: int, page_bytes: int, own_pids: frozenset[int] = frozenset()) -> None:
        self.notes: list[Note] = []
        self._procfs = procfs
        self._version = version
        self._page_bytes = page_bytes
        self._own_pids = own_pids
        self._known: dict[int, _Process] = {}
        self._kernel_threads: set[int] = set()

    def collect(self, covered: Callable[[str], bool]) -> list[Tree]:
        """Return the process groups whose cgroup `covered` does not claim."""
        pids = self._procfs.pids()[:PROCESSES_MAX]
        self._forget_all_but(set(pids))
        groups: dict[int, list[tuple[_Process, int]]] = {}
        for pid in pids:
            if pid in self._kernel_threads:
                continue
            process = self._known.get(pid) or self._meet(pid)
            if process is None or covered(process.cgroup_path):
                continue
            used = self._use(pid, process)
            if used is not None:
                groups.setdefault(process.stat.pgrp, []).append((process, used))
        return [self._tree(group, members) for group, members in groups.items()]

    def _meet(self, pid: int) -> _Process | None:
        """Look at a process for the first time; None when it is a kernel thread, gone, or denied."""
        try:
            stat = procpid.stat(self._procfs.read(f"{pid}/stat", 4096))
            if stat.ppid == KERNEL_THREADS_PARENT or pid == KERNEL_THREADS_PARENT:
                self._kernel_threads.add(pid)
                return None
            path = cgroup.memory_path(self._procfs.read(f"{pid}/cgroup", 16384), self._version)
            process = _Process(stat, self._procfs.keep(f"{pid}/statm"), path)
        except Denied as error:
            if not self.notes:
                self.notes.append(Note("some processes", str(error), "run as root to see them"))
            return None
        except ForestallError:
            return None
        self._known[pid] = process
        return process

    def _use(self, pid: int, process: _Process) -> int | None:
        """Return a process's unreclaimable bytes; None when it is gone or its pid is somebody else's now."""
        try:
            statm = procpid.statm(process.statm.read(128), self._page_bytes)
            if abs(statm.resident_bytes - process.resident_bytes) >= MOVED_BYTES:
                status = procpid.status(self._procfs.read(f"{pid}/status", 8192))
                process.shmem_bytes = status.shmem_bytes or 0  # an exiting process has no sizes any more
                process.swap_bytes = status.swap_bytes or 0
                process.resident_bytes = statm.resident_bytes
                process.cgroup_path = cgroup.memory_path(self._procfs.read(f"{pid}/cgroup", 16384), self._version)
                process.stat = procpid.stat(self._procfs.read(f"{pid}/stat", 4096))
        except ForestallError:
            self._forget(pid)
            return None
        return max(0, statm.resident_bytes - statm.shared_bytes) + process.shmem_bytes + process.swap_bytes

    def _tree(self, group: int, members: list[tuple[_Process, int]]) -> Tree:
        processes = [process for process, _ in members]
        leader = next((one for one in processes if one.stat.pid == group), None)
        if leader is None:
            leader = min(processes, key=lambda one: one.stat.start_ticks)
        identity = process_identity(leader.stat.pid, leader.stat.start_ticks)
        return Tree(
            Target(PROCESS, identity, leader.stat.comm, printable(leader.cgroup_path.encode("utf-8", "surrogateescape"))),
            leader.cgroup_path,
            sum(used for _, used in members),
            sum(max(0, process.resident_bytes) for process in processes),
            sum(process.swap_bytes for process in processes),
            sum(process.shmem_bytes for process in processes),
            len(members),
            leader.stat.start_ticks,
        )

    def _forget(self, pid: int) -> None:
        process = self._known.pop(pid, None)
        if process is not None:
            process.statm.close()

    def _forget_all_but(self, pids: set[int]) -> None:
        for pid in self._known.keys() - pids:
            self._forget(pid)
        self._kernel_threads &= pids


def tree_of(procfs: Procfs, group: int) -> list[int]:
    """Return the pids of a process group that are alive now."""
    found = []
    for pid in procfs.pids():
        try:
            if procpid.stat(procfs.read(f"{pid}/stat", 4096)).pgrp == group:
                found.append(pid)
        except (Absent, ForestallError):
            continue
    return found


PLUGIN = ProcessCollector
