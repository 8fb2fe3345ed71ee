"""The descendants of one process: what `run` watches where no cgroup can be made.

Children come from /proc/PID/task/TID/children where the kernel has it
(CONFIG_PROC_CHILDREN), otherwise from the parent pids of all processes. The
process at the root is made a child subreaper by whoever starts the tree, so
that orphans stay in it (prctl(2)).
"""

from __future__ import annotations

from typing import Final

from forestall.model.errors import ForestallError
from forestall.parse import procpid
from forestall.system.files import list_directory
from forestall.system.procfs import Procfs

PROCESSES_MAX: Final = 10_000
LISTED_AGAIN_SECONDS: Final = 0.25
GENERATIONS_LOOKED_UP: Final = 64


class TreeCollector:
    """Sums the memory of all descendants of `root_pid`, itself and `excluded` (with their descendants) left out."""

    def __init__(self, procfs: Procfs, page_bytes: int, root_pid: int, excluded: frozenset[int]) -> None:
        self._procfs = procfs
        self._page_bytes = page_bytes
        self._root_pid = root_pid
        self._excluded = excluded
        self._has_children_files = procfs.exists(f"{root_pid}/task/{root_pid}/children")
        self._pids: list[int] = []
        self._listed_at = float("-inf")
        self._root_ticks = self._start_ticks(root_pid)
        self._known: dict[int, int] = {}

    def used_bytes(self, now_seconds: float) -> int:
        """Return anonymous memory and swap of all descendants, and the most shared memory that one of them maps, bytes.

        Shared memory is counted once: a database's buffers belong to all its processes.
        """
        if now_seconds - self._listed_at >= LISTED_AGAIN_SECONDS:
            self._pids = self.members()
            self._listed_at = now_seconds
        own, shared = 0, 0
        for pid in self._pids:
            try:
                status = procpid.status(self._procfs.read(f"{pid}/status", 8192))
            except ForestallError:
                continue
            own += (status.anon_bytes or 0) + (status.swap_bytes or 0)  # an exiting process has no sizes any more
            shared = max(shared, status.shmem_bytes or 0)
        return own + shared

    def members(self) -> list[int]:
        """Return the pids of all descendants now, and of those seen before that have lost their parents since."""
        parents = {} if self._has_children_files else self._parents()
        found = {pid: ticks for pid, ticks in self._known.items() if self._start_ticks(pid) == ticks}
        waiting = list(found)
        if self._start_ticks(self._root_pid) == self._root_ticks:
            waiting.append(self._root_pid)
        while waiting and len(found) < PROCESSES_MAX:
            here = waiting.pop()
            children = self._children(here) if self._has_children_files else parents.get(here, [])
            new = {pid: self._start_ticks(pid) for pid in children if pid not in self._excluded and pid not in found}
            found.update(new)
            waiting += new
        self._known = found
        return list(found)

    def belongs(self, pid: int) -> bool:
        """Whether a process is a descendant, looked up from its parents, or one that was seen before."""
        for _ in range(GENERATIONS_LOOKED_UP):
            if pid <= 1 or pid in self._excluded:
                return False
            stat = self._stat(pid)
            if stat is None:
                return False
            if stat.ppid == self._root_pid or self._known.get(pid) == stat.start_ticks:
                return True
            pid = stat.ppid
        return False

    def _stat(self, pid: int) -> procpid.Stat | None:
        try:
            return procpid.stat(self._procfs.read(f"{pid}/stat", 4096))
        except ForestallError:
            return None

    def _start_ticks(self, pid: int) -> int:
        """When a process began (clock ticks since boot), -1 when it is gone: a pid may be another's by now."""
        stat = self._stat(pid)
        return -1 if stat is None else stat.start_ticks

    def _children(self, pid: int) -> list[int]:
        found: list[int] = []
        try:
            for thread in list_directory(f"{self._procfs.root}/{pid}/task"):
                words = self._procfs.read(f"{pid}/task/{thread}/children").split()
                found += [int(word) for word in words]
        except ForestallError:
            return found
        return found

    def _parents(self) -> dict[int, list[int]]:
        children: dict[int, list[int]] = {}
        for pid in self._procfs.pids():
            try:
                parent = procpid.stat(self._procfs.read(f"{pid}/stat", 4096)).ppid
            except ForestallError:
                continue
            children.setdefault(parent, []).append(pid)
        return children


PLUGIN = TreeCollector
