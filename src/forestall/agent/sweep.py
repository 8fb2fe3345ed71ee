"""One look at everything: the host, every service cgroup and every process tree started by hand, as a frame."""

from __future__ import annotations

from typing import Final

from forestall.agent.eyes import plain_reading
from forestall.analyse.headroom import deciding, host_level
from forestall.collect.cgroup import CgroupCollector
from forestall.collect.host import HostCollector
from forestall.collect.kernel_log import KernelLogCollector
from forestall.collect.process import ProcessCollector, Tree
from forestall.model.errors import ForestallError
from forestall.model.frame import Frame, Host, Moment, Note, Reading
from forestall.model.level import Level
from forestall.model.target import CGROUP
from forestall.parse import mounts
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.process import allow_open_files
from forestall.system.procfs import Procfs

CLOCK_TICKS_PER_SECOND: Final = 100
"""USER_HZ, the same on every architecture that matters (proc(5): clock ticks in stat)."""

OPEN_FILES_MAX: Final = 65_536
"""Room for the files kept open of some thousand cgroups and processes; a kept file is four times cheaper to read."""


def find_cgroups(procfs: Procfs, host_root: str = "") -> CgroupCollector | None:
    """Return a collector over the memory hierarchy that is mounted here, None where there is none.

    `host_root` stands before the mount point: where a captured host lies.
    """
    try:
        found = mounts.memory_hierarchy(mounts.parse(procfs.read("self/mountinfo", 1024 * 1024)))
    except ForestallError:
        return None
    return CgroupCollector(Cgroupfs(host_root + found.point, found.version, found.root))


class Sweep:
    """Reads everything there is. Keeps its files open between frames; `notes` of each frame say what is not seen."""

    def __init__(self, procfs: Procfs, page_bytes: int, *, log_from_start: bool, host_root: str = "") -> None:
        allow_open_files(OPEN_FILES_MAX)
        self.cgroups = find_cgroups(procfs, host_root)
        self.log = KernelLogCollector(from_start=log_from_start, path=f"{host_root}/dev/kmsg")
        self._host = HostCollector(procfs)
        if self.cgroups is None:
            self._processes = ProcessCollector(procfs, 2, page_bytes)
        else:
            cgroupfs = self.cgroups.cgroupfs
            self._processes = ProcessCollector(procfs, cgroupfs.version, page_bytes, cgroupfs.below)
        self._rows: dict[str, str] = {}
        self._covers: dict[str, bool] = {}
        self._deciding: dict[str, Level] = {}

    def frame(self, moment: Moment) -> Frame:
        """Return everything as it is now."""
        host = self._host.collect()
        self._covers, self._deciding = {}, {}
        readings = self._cgroup_readings(host)
        readings += self._tree_readings(host)
        return Frame(moment, host, tuple(readings), self.log.collect(moment), tuple(self._notes()))

    def _cgroup_readings(self, host: Host) -> list[Reading]:
        if self.cgroups is None:
            return []
        self.cgroups.begin(host_level(host))
        paths = [found.path for found in self.cgroups.cgroupfs.walk() if found.path != "/"]
        self.cgroups.forget_all_but(set(paths))
        readings = {path: self.cgroups.read(path) for path in paths if self.cgroups.is_service(path)}
        found = {path: reading for path, reading in readings.items() if reading is not None}
        self._rows = {path: reading.target.kind for path, reading in found.items()}
        return list(found.values())

    def _is_covered(self, path: str) -> bool:
        """Whether another row already counts the processes of this cgroup: its own, or that of a service above it.

        A slice with a limit is a row as well, but what people start in it by hand are rows of their own.
        """
        if path not in self._covers:
            above = path.rpartition("/")[0]
            self._covers[path] = path in self._rows or (above != "" and self._is_in_service(above))
        return self._covers[path]

    def _is_in_service(self, path: str) -> bool:
        here = path
        while here:
            if self._rows.get(here, CGROUP) != CGROUP:
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
        level = self._deciding_level(tree.cgroup_path, host)
        reading = plain_reading(tree.target, tree.used_bytes, level, None, None)
        return reading._replace(
            usage_bytes=max(tree.used_bytes, tree.resident_bytes),
            swap_bytes=tree.swap_bytes,
            shmem_bytes=tree.shmem_bytes,
            pids=tree.pids,
            start_seconds=tree.start_ticks / CLOCK_TICKS_PER_SECOND,
        )

    def _deciding_level(self, path: str, host: Host) -> Level:
        """Return what limits a tree in this cgroup; many trees are in one."""
        if path not in self._deciding:
            levels = [host_level(host)] if self.cgroups is None else self.cgroups.levels(path)
            self._deciding[path] = deciding(levels)
        return self._deciding[path]

    def _notes(self) -> list[Note]:
        notes = [*self._host.notes, *self._processes.notes, *self.log.notes]
        if self.cgroups is None:
            notes.append(Note("memory cgroups", "no memory controller is mounted", "mount cgroup2 on /sys/fs/cgroup"))
        else:
            notes += self.cgroups.notes
        return notes
