"""One look at everything: the host, every service cgroup and every process tree started by hand, as a frame."""

from __future__ import annotations

from typing import Final

from forestall.agent.eyes import plain_reading
from forestall.analyse.headroom import deciding, host_level
from forestall.collect.cgroup import CgroupCollector
from forestall.collect.host import HostCollector
from forestall.collect.kernel_log import KernelLogCollector
from forestall.collect.process import ProcessCollector, Tree
from forestall.model.errors import Absent, ForestallError
from forestall.model.frame import Frame, Host, Moment, Note, Reading
from forestall.parse import mounts
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.procfs import Procfs

CLOCK_TICKS_PER_SECOND: Final = 100
"""USER_HZ, the same on every architecture that matters (proc(5): clock ticks in stat)."""


def find_cgroups(procfs: Procfs) -> CgroupCollector | None:
    """Return a collector over the memory hierarchy that is mounted here, None where there is none."""
    try:
        hierarchy = mounts.memory_hierarchy(mounts.parse(procfs.read("self/mountinfo", 1024 * 1024)))
    except ForestallError:
        return None
    return CgroupCollector(Cgroupfs(hierarchy.point, hierarchy.version))


class Sweep:
    """Reads everything there is. Keeps its files open between frames; `notes` of each frame say what is not seen."""

    def __init__(self, procfs: Procfs, page_bytes: int, *, log_from_start: bool) -> None:
        self.cgroups = find_cgroups(procfs)
        self.log = KernelLogCollector(from_start=log_from_start)
        self._host = HostCollector(procfs)
        version = 1 if self.cgroups is None else self.cgroups.cgroupfs.version
        self._processes = ProcessCollector(procfs, version, page_bytes)
        self._covered: set[str] = set()

    def frame(self, moment: Moment) -> Frame:
        """Return everything as it is now."""
        host = self._host.collect()
        readings = self._cgroup_readings(host)
        readings += self._tree_readings(host)
        return Frame(moment, host, tuple(readings), self.log.collect(moment), tuple(self._notes()))

    def _cgroup_readings(self, host: Host) -> list[Reading]:
        if self.cgroups is None:
            return []
        self.cgroups.begin(host_level(host))
        try:
            paths = [found.path for found in self.cgroups.cgroupfs.walk() if found.path != "/"]
        except Absent:
            return []
        self.cgroups.forget_all_but(set(paths))
        services = [path for path in paths if self.cgroups.is_service(path)]
        self._covered = set(services)
        return [reading for path in services if (reading := self.cgroups.read(path)) is not None]

    def _is_covered(self, path: str) -> bool:
        """Whether a service's row already counts the processes of this cgroup."""
        here = path
        while here not in ("", "/"):
            if here in self._covered:
                return True
            here = here.rpartition("/")[0]
        return False

    def _tree_readings(self, host: Host) -> list[Reading]:
        try:
            trees = self._processes.collect(self._is_covered)
        except ForestallError:
            return []
        return [self._tree_reading(tree, host) for tree in trees]

    def _tree_reading(self, tree: Tree, host: Host) -> Reading:
        levels = [host_level(host)] if self.cgroups is None else self.cgroups.levels(tree.cgroup_path)
        level = deciding(levels)
        reading = plain_reading(tree.target, tree.used_bytes, level, None, None)
        return reading._replace(
            usage_bytes=max(tree.used_bytes, tree.resident_bytes),
            swap_bytes=tree.swap_bytes,
            shmem_bytes=tree.shmem_bytes,
            pids=tree.pids,
            start_seconds=tree.start_ticks / CLOCK_TICKS_PER_SECOND,
        )

    def _notes(self) -> list[Note]:
        notes = [*self._host.notes, *self._processes.notes, *self.log.notes]
        if self.cgroups is None:
            notes.append(Note("memory cgroups", "no memory controller is mounted", "mount cgroup2 on /sys/fs/cgroup"))
        else:
            notes += self.cgroups.notes
        return notes
