"""Where a process lives: its memory cgroup, from /proc/PID/cgroup (cgroups(7)), for targets named by a pid."""

from __future__ import annotations

from forestall.model.errors import ForestallError
from forestall.parse import cgroup, mounts
from forestall.system.procfs import Procfs


def cgroup_of(pid: int, procfs: Procfs | None = None) -> str:
    """The process's cgroup below the memory mount; "" when the process or the memory controller is not there."""
    proc = procfs or Procfs()
    try:
        version = mounts.memory_hierarchy(mounts.parse(proc.read("self/mountinfo"))).version
        return cgroup.memory_path(proc.read(f"{pid}/cgroup"), version)
    except ForestallError:
        return ""
