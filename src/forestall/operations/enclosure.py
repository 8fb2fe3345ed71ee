"""The cgroup of a run: made with its limit before the command starts, measured and removed after it.

v1: memory.limit_in_bytes and memory.memsw.limit_in_bytes; v2: memory.max and
memory.swap.max (experimental: tried in the laboratory, polled, without wake-ups).
Where no cgroup can be made, there is none: the guard then watches the process tree and
the kernel enforces nothing.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from forestall.agent.sweep import find_cgroups
from forestall.collect.cgroup import CgroupCollector
from forestall.model.errors import Absent, Denied, ForestallError, Malformed
from forestall.operations.leftovers import RUN_PREFIX, remove_cgroup
from forestall.parse import cgroup
from forestall.system.procfs import Procfs


class Enclosure(NamedTuple):
    """A cgroup of ours: its path below the memory mount, its inode, and the collector that reads it."""

    path: str
    inode: int
    cgroups: CgroupCollector

    @property
    def join(self) -> tuple[str, ...]:
        """The files that a process writes "0" into to be in it."""
        return (f"{self.cgroups.cgroupfs.point}{self.path}/cgroup.procs",)

    def counters(self) -> "Counters":
        """Return what the kernel counted for it so far."""
        cgroupfs = self.cgroups.cgroupfs
        if cgroupfs.version == 1:
            peak = cgroup.count(cgroupfs.read(self.path, "memory.max_usage_in_bytes", 64))
            kills = cgroup.flat(cgroupfs.read(self.path, "memory.oom_control")).get("oom_kill")
            return Counters(peak, kills, None)
        events = cgroup.flat(cgroupfs.read(self.path, "memory.events"))
        return Counters(self._peak(), events.get("oom_kill"), events.get("max"))

    def _peak(self) -> int | None:
        try:
            return cgroup.count(self.cgroups.cgroupfs.read(self.path, "memory.peak", 64))
        except Absent:
            return None

    def remove(self) -> bool:
        """Remove it; whether it is gone."""
        return remove_cgroup(self.cgroups.cgroupfs, self.path)


class Counters(NamedTuple):
    """The kernel's own figures: highest use in bytes, processes killed for memory, hits of the limit (v2 only)."""

    peak_bytes: int | None
    kills: int | None
    limit_hits: int | None


def planned_path(run_id: str) -> str:
    """Return where a run's cgroup will be: at the top, or inside the limited cgroup that we are in ourselves."""
    cgroups = find_cgroups(Procfs())
    return ("" if cgroups is None else _outer(cgroups)) + f"/{RUN_PREFIX}{run_id}"


def _outer(cgroups: CgroupCollector) -> str:
    """Return the cgroup that a run must stay in, so that a limit on us holds for it too; "" where there is none.

    v1 only: on v2 a cgroup with processes cannot have limited children (cgroup-v2.rst, "No Internal Process").
    """
    if cgroups.cgroupfs.version != 1:
        return ""
    try:
        own = cgroup.memory_path(Procfs().read("self/cgroup", 16384), 1)
        here = own
        while here not in ("", "/"):
            if cgroup.limit(cgroups.cgroupfs.read(here, "memory.limit_in_bytes", 64)) is not None:
                return own
            here = here.rpartition("/")[0]
    except ForestallError:
        return ""
    return ""


def enclose(run_id: str, memory_bytes: int, swap_bytes: int | None) -> Enclosure:
    """Make the cgroup and set its limit; raises Absent or Denied where that cannot be done, leaving nothing."""
    cgroups = find_cgroups(Procfs())
    if cgroups is None:
        raise Absent("a memory controller", "mount cgroup2 on /sys/fs/cgroup")
    cgroupfs = cgroups.cgroupfs
    path = f"{_outer(cgroups)}/{RUN_PREFIX}{run_id}"
    try:
        cgroupfs.make(path)
    except Denied:
        raise Denied("a cgroup of its own", "root, and a cgroup mount that may be written") from None
    try:
        if cgroupfs.version == 1:
            cgroupfs.write(path, "memory.limit_in_bytes", str(memory_bytes))
            if swap_bytes is not None:
                with contextlib.suppress(Absent):  # a kernel that was not booted with swapaccount=1
                    cgroupfs.write(path, "memory.memsw.limit_in_bytes", str(memory_bytes + swap_bytes))
        else:
            _limit_v2(cgroups, path, memory_bytes, swap_bytes)
        return Enclosure(path, cgroupfs.inode(path), cgroups)
    except ForestallError:
        cgroupfs.remove(path)
        raise


def _limit_v2(cgroups: CgroupCollector, path: str, memory_bytes: int, swap_bytes: int | None) -> None:
    cgroupfs = cgroups.cgroupfs
    if b"memory" not in cgroupfs.read("/", "cgroup.subtree_control", 4096).split():
        raise Denied("a cgroup with a memory limit", "the memory controller in cgroup.subtree_control of the root")
    cgroupfs.write(path, "memory.max", str(memory_bytes))
    if swap_bytes is not None:
        try:
            cgroupfs.write(path, "memory.swap.max", str(swap_bytes))
        except (Absent, Malformed):
            return
