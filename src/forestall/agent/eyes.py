"""What the guard looks at: one eye per target of a policy, each with a cheap look and a way to list its processes."""

from __future__ import annotations

from typing import Protocol

from forestall.analyse.headroom import deciding
from forestall.collect.cgroup import CgroupCollector
from forestall.collect.tree import TreeCollector
from forestall.model.errors import ForestallError
from forestall.model.frame import Reading
from forestall.model.level import Level
from forestall.model.target import Target
from forestall.parse import cgroup
from forestall.system.procfs import Procfs


class Eye(Protocol):
    """One target as the guard sees it. `directory` is what its lock lies on."""

    @property
    def directory(self) -> str:
        """The directory whose inode is the target."""

    def glance(self, host: Level, now_seconds: float) -> Reading | None:
        """Return the target as it is now, None when it is gone."""

    def members(self) -> list[int]:
        """Return the pids of all its processes now."""

    def belongs(self, pid: int) -> bool:
        """Whether a process, looked up now, is one of the target's."""


class CgroupEye:
    """A memory cgroup with everything below it, but for the parts that are spared.

    `spared` are paths below it that another policy protects. `inode` 0: whatever cgroup has the path; otherwise
    processes are only those of exactly that cgroup, not of one that was made anew under its name.
    """

    def __init__(self, collector: CgroupCollector, procfs: Procfs, path: str, inode: int = 0) -> None:
        self.path = path
        self.spared: frozenset[str] = frozenset()
        self._collector = collector
        self._procfs = procfs
        self._inode = inode

    @property
    def directory(self) -> str:
        """The cgroup's directory."""
        return self._collector.cgroupfs.point + self.path

    def glance(self, _host: Level, _now_seconds: float) -> Reading | None:
        """Return the cgroup as it is now, None when it has been removed."""
        return self._collector.glance(self.path)

    def members(self) -> list[int]:
        """Return the pids in the cgroup and below it."""
        found: list[int] = []
        if not self._is_same():
            return found
        cgroupfs = self._collector.cgroupfs
        for here in cgroupfs.walk(self.path):
            if self._is_spared(here.path):
                continue
            try:
                found += cgroup.pids(cgroupfs.read(here.path, "cgroup.procs", 1024 * 1024))
            except ForestallError:
                continue
        return found

    def belongs(self, pid: int) -> bool:
        """Whether the process's memory cgroup is this one or one below it that is not spared."""
        try:
            path = cgroup.memory_path(self._procfs.read(f"{pid}/cgroup", 16384), self._collector.cgroupfs.version)
        except ForestallError:
            return False
        below = path == self.path or path.startswith(self.path + "/")
        return below and not self._is_spared(path) and self._is_same()

    def _is_same(self) -> bool:
        try:
            return not self._inode or self._collector.cgroupfs.inode(self.path) == self._inode
        except ForestallError:
            return False

    def _is_spared(self, path: str) -> bool:
        return any(path == spared or path.startswith(spared + "/") for spared in self.spared)


class TreeEye:
    """A process tree whose memory is watched against a limit that the kernel does not enforce."""

    def __init__(
        self, collector: TreeCollector, procfs: Procfs, target: Target, limit_bytes: int, root_pid: int
    ) -> None:
        self._collector = collector
        self._target = target
        self._limit_bytes = limit_bytes
        self._directory = f"{procfs.root}/{root_pid}"
        self.peak_bytes = 0

    @property
    def directory(self) -> str:
        """The root process's directory in /proc."""
        return self._directory

    def glance(self, host: Level, now_seconds: float) -> Reading | None:
        """Return the sum over the tree as it is now."""
        used = self._collector.used_bytes(now_seconds)
        self.peak_bytes = max(self.peak_bytes, used)
        own = Level(self._target.path, self._limit_bytes, used, max(0, self._limit_bytes - used), 0)
        level = deciding([own, host])
        return plain_reading(self._target, used, level, self._limit_bytes, self.peak_bytes)

    def members(self) -> list[int]:
        """Return the pids of the tree."""
        return self._collector.members()

    def belongs(self, pid: int) -> bool:
        """Whether the process descends from the root."""
        return self._collector.belongs(pid)


def plain_reading(target: Target, used: int, level: Level, own_limit: int | None, peak: int | None) -> Reading:
    """Return a reading of processes that have no cgroup files of their own."""
    return Reading(
        target=target,
        used_bytes=used,
        usage_bytes=used,
        headroom_bytes=level.headroom_bytes,
        limit_bytes=used + level.headroom_bytes,
        limit_level=level.path,
        limit_own=level.path == target.path,
        level_used_bytes=level.used_bytes,
        own_limit_bytes=own_limit,
        swap_bytes=0,
        swap_headroom_bytes=level.swap_headroom_bytes,
        anon_bytes=None,
        file_bytes=None,
        shmem_bytes=None,
        kernel_bytes=None,
        sock_bytes=None,
        peak_bytes=peak,
        near_misses=None,
        kills=None,
        cpu_seconds=None,
        pids=None,
        pressure=None,
        start_seconds=None,
    )
