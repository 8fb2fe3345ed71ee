"""Memory cgroups, v1 and v2: use, limits, headroom along the path to the root, events, peak.

Sources: Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst. What
is reclaimable (clean page cache, and on v2 reclaimable slab) is not use; tmpfs,
dirty and locked pages are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from forestall.analyse.headroom import cgroup_level, deciding
from forestall.model.errors import Absent, Denied, ForestallError, Malformed
from forestall.model.frame import Note, Pressure, Reading
from forestall.model.level import Level
from forestall.model.target import CGROUP, Target, cgroup_identity
from forestall.parse import cgroup, cgroupname, psi
from forestall.parse.text import printable
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.files import KeptFile

NEAR_MISS_RATIO: Final = 0.95
"""On v1 a near miss is ours: use rising above this share of the limit (failcnt lies when memsw = limit)."""
NEAR_MISS_OVER_RATIO: Final = 0.90
"""A near miss is over, and the next may be counted, below this."""

T = TypeVar("T")

_V1_STAT: Final = (
    b"total_active_file",
    b"total_inactive_file",
    b"total_dirty",
    b"total_writeback",
    b"total_rss",
    b"total_cache",
    b"total_shmem",
    b"total_swap",
)
_V2_STAT: Final = (
    b"active_file",
    b"inactive_file",
    b"file_dirty",
    b"file_writeback",
    b"anon",
    b"file",
    b"shmem",
    b"slab_reclaimable",
    b"kernel",
    b"sock",
)


class Use(NamedTuple):
    """One cgroup's memory at one moment, bytes; `reclaimable_bytes` is what the kernel can drop without loss."""

    usage_bytes: int
    reclaimable_bytes: int
    limit_bytes: int | None
    swap_bytes: int
    swap_allowed_bytes: int
    anon_bytes: int | None
    file_bytes: int | None
    shmem_bytes: int | None
    kernel_bytes: int | None
    sock_bytes: int | None

    @property
    def used_bytes(self) -> int:
        """Unreclaimable use, swapped-out memory included."""
        return max(0, self.usage_bytes - self.reclaimable_bytes) + self.swap_bytes


class CgroupFiles:
    """The files of one cgroup that are read every tick, kept open; the others are opened when asked for.

    Bound to the directory that was there: after a removal every read is Absent.
    """

    __slots__ = ("_cgroupfs", "_stat", "_swap", "_usage", "inode", "path")

    def __init__(self, cgroupfs: Cgroupfs, path: str) -> None:
        self._cgroupfs = cgroupfs
        self.path = path
        self.inode = cgroupfs.inode(path)
        first = cgroupfs.version == 1
        self._usage = cgroupfs.keep(path, "memory.usage_in_bytes" if first else "memory.current")
        self._stat = cgroupfs.keep(path, "memory.stat")
        self._swap = None if first else _optional(lambda: cgroupfs.keep(path, "memory.swap.current"))

    def use(self, host_swap_free_bytes: int) -> Use:
        """Return the cgroup's memory now; raises Absent when it has vanished."""
        usage = cgroup.count(self._usage.read(64))
        if self._cgroupfs.version == 1:
            return self._use_v1(usage, host_swap_free_bytes)
        return self._use_v2(usage, host_swap_free_bytes)

    def _use_v1(self, usage: int, host_swap_free: int) -> Use:
        values = cgroup.pick(self._stat.read(), _V1_STAT)
        active, inactive, dirty, writeback, rss, cache, shmem, swap = (value or 0 for value in values)
        reclaimable = max(0, min(active + inactive - dirty - writeback, usage))
        limit = self.limit("memory.limit_in_bytes")
        allowed = host_swap_free
        both = self.limit("memory.memsw.limit_in_bytes")
        if both is not None and limit is not None:
            resident = usage - reclaimable
            allowed = min(allowed, (both - resident - swap) - (limit - resident))
        return Use(usage, reclaimable, limit, swap, allowed, rss, max(0, cache - shmem), shmem, None, None)

    def _use_v2(self, usage: int, host_swap_free: int) -> Use:
        values = cgroup.pick(self._stat.read(), _V2_STAT)
        active, inactive, dirty, writeback, anon, file, shmem, slab, kernel, sock = values
        clean = (active or 0) + (inactive or 0) - (dirty or 0) - (writeback or 0) + (slab or 0)
        swap = cgroup.count(self._swap.read(64)) if self._swap is not None else 0
        swap_limit = self.limit("memory.swap.max")
        allowed = host_swap_free if swap_limit is None else min(host_swap_free, max(0, swap_limit - swap))
        page_cache = None if file is None else max(0, file - (shmem or 0))
        limit = self.limit("memory.max")
        reclaimable = max(0, min(clean, usage))
        return Use(usage, reclaimable, limit, swap, allowed, anon, page_cache, shmem, kernel, sock)

    def limit(self, file: str) -> int | None:
        """Return a limit file's bytes, None when it says none or is not in this kernel."""
        try:
            return cgroup.limit(self._cgroupfs.read(self.path, file, 64))
        except Absent:
            if not self._cgroupfs.exists(self.path):
                raise
            return None

    def count(self, file: str) -> int | None:
        """Return a counter file's number, None when this kernel has no such file."""
        return _optional(lambda: cgroup.count(self._cgroupfs.read(self.path, file, 64)))

    def flat(self, file: str) -> dict[str, int]:
        """Return a key-value file, empty when this kernel has no such file."""
        found = _optional(lambda: cgroup.flat(self._cgroupfs.read(self.path, file)))
        return found if found is not None else {}

    def pressure(self) -> Pressure | None:
        """Return the cgroup's own stall figures (v2 only)."""
        if self._cgroupfs.version == 1:
            return None
        return _optional(lambda: psi.parse(self._cgroupfs.read(self.path, "memory.pressure", 512)))

    def close(self) -> None:
        """Let the descriptors go."""
        kept: Sequence[KeptFile | None] = (self._usage, self._stat, self._swap)
        for file in kept:
            if file is not None:
                file.close()


def _optional(read: Callable[[], T]) -> T | None:
    """Return what `read` gives, None where this kernel or this account has no such thing."""
    try:
        return read()
    except ForestallError:
        return None


class NearMisses:
    """Counts how often one cgroup's use rose above 95 % of its limit: our near misses on v1."""

    __slots__ = ("_above", "count")

    def __init__(self) -> None:
        self.count = 0
        self._above = False

    def see(self, used_bytes: int, limit_bytes: int | None) -> int:
        """Take one look (bytes) and return the count so far."""
        if limit_bytes is not None and limit_bytes > 0:
            if not self._above and used_bytes > NEAR_MISS_RATIO * limit_bytes:
                self._above = True
                self.count += 1
            elif self._above and used_bytes < NEAR_MISS_OVER_RATIO * limit_bytes:
                self._above = False
        return self.count


class CgroupCollector:
    """Reads cgroups by path. Every look is one `begin` (the host's level) followed by any number of reads."""

    def __init__(self, cgroupfs: Cgroupfs) -> None:
        self.cgroupfs = cgroupfs
        self.notes: list[Note] = []
        self._files: dict[str, CgroupFiles] = {}
        self._near_misses: dict[str, NearMisses] = {}
        self._uses: dict[str, Use | None] = {}
        self._host: Level | None = None

    def begin(self, host: Level) -> None:
        """Begin a look: what was read of ancestors before is read again once."""
        self._host = host
        self._uses = {}

    def use(self, path: str) -> Use | None:
        """Return a cgroup's use in this look, None when it has vanished or may not be read."""
        if path not in self._uses:
            self._uses[path] = self._read_use(path)
        return self._uses[path]

    def _read_use(self, path: str) -> Use | None:
        assert self._host is not None, "begin() first"
        for _ in range(2):  # a second try for a cgroup that was removed and made again
            try:
                if path not in self._files:
                    self._files[path] = CgroupFiles(self.cgroupfs, path)
                return self._files[path].use(self._host.swap_headroom_bytes)
            except (Absent, Malformed):
                self.forget(path)
            except Denied as error:
                self._note_denied(error)
                return None
        return None

    def _note_denied(self, error: Denied) -> None:
        if not any(note.what == "some cgroups" for note in self.notes):
            self.notes.append(Note("some cgroups", str(error), "run as root to see them"))

    def forget(self, path: str) -> None:
        """Close what is kept of a cgroup."""
        files = self._files.pop(path, None)
        self._near_misses.pop(path, None)
        if files is not None:
            files.close()

    def forget_all_but(self, paths: set[str]) -> None:
        """Close what is kept of cgroups that are no longer listed."""
        for path in self._files.keys() - paths:
            self.forget(path)

    def levels(self, path: str) -> list[Level]:
        """Return the levels with a limit from `path` up to the host, nearest first."""
        assert self._host is not None, "begin() first"
        levels = []
        here = path
        while here not in ("/", ""):
            use = self.use(here)
            if use is not None:
                swap = use.swap_bytes, use.swap_allowed_bytes
                level = cgroup_level(printable_path(here), use.usage_bytes, use.reclaimable_bytes, use.limit_bytes, *swap)
                if level is not None:
                    levels.append(level)
            here = here.rpartition("/")[0]
        levels.append(self._host)
        return levels

    def target(self, path: str) -> Target | None:
        """Return what people call this cgroup, None when it has vanished."""
        if self.use(path) is None:
            return None
        shown = printable_path(path)
        named = cgroupname.name(shown)
        return Target(named.kind, cgroup_identity(shown, self._files[path].inode), named.name, shown)

    def has_own_limit(self, path: str) -> bool:
        """Whether the cgroup itself limits memory."""
        use = self.use(path)
        return use is not None and use.limit_bytes is not None

    def is_service(self, path: str) -> bool:
        """Whether this cgroup is a row of its own: a unit, container, pod or run, or any cgroup with a limit."""
        return cgroupname.name(printable_path(path)).kind != CGROUP or self.has_own_limit(path)

    def read(self, path: str) -> Reading | None:
        """Return everything about one cgroup at this look, None when it has vanished."""
        use = self.use(path)
        target = self.target(path)
        if use is None or target is None:
            return None
        files = self._files[path]
        level = deciding(self.levels(path))
        near, kills = self._events(path, use, files)
        first = self.cgroupfs.version == 1
        cpu = files.flat("cpu.stat").get("usage_usec")
        return Reading(
            target=target,
            used_bytes=use.used_bytes,
            usage_bytes=use.usage_bytes,
            headroom_bytes=level.headroom_bytes,
            limit_bytes=use.used_bytes + level.headroom_bytes,
            limit_level=level.path,
            limit_own=level.path == target.path,
            level_used_bytes=level.used_bytes,
            own_limit_bytes=use.limit_bytes,
            swap_bytes=use.swap_bytes,
            swap_headroom_bytes=level.swap_headroom_bytes,
            anon_bytes=use.anon_bytes,
            file_bytes=use.file_bytes,
            shmem_bytes=use.shmem_bytes,
            kernel_bytes=use.kernel_bytes if not first else files.count("memory.kmem.usage_in_bytes"),
            sock_bytes=use.sock_bytes if not first else files.count("memory.kmem.tcp.usage_in_bytes"),
            peak_bytes=files.count("memory.max_usage_in_bytes" if first else "memory.peak"),
            near_misses=near,
            kills=kills,
            cpu_seconds=None if cpu is None else cpu / 1e6,
            pids=files.count("pids.current") if not first else None,
            pressure=files.pressure(),
            start_seconds=None,
        )

    def glance(self, path: str) -> Reading | None:
        """Return what a decision needs of one cgroup, by few reads: the guard's look."""
        use = self.use(path)
        target = self.target(path)
        if use is None or target is None:
            return None
        level = deciding(self.levels(path))
        near, kills = self._events(path, use, self._files[path])
        return Reading(
            target,
            use.used_bytes,
            use.usage_bytes,
            level.headroom_bytes,
            use.used_bytes + level.headroom_bytes,
            level.path,
            level.path == target.path,
            level.used_bytes,
            use.limit_bytes,
            use.swap_bytes,
            level.swap_headroom_bytes,
            use.anon_bytes,
            use.file_bytes,
            use.shmem_bytes,
            use.kernel_bytes,
            use.sock_bytes,
            peak_bytes=None,
            near_misses=near,
            kills=kills,
            cpu_seconds=None,
            pids=None,
            pressure=self._files[path].pressure(),
            start_seconds=None,
        )

    def _events(self, path: str, use: Use, files: CgroupFiles) -> tuple[int | None, int | None]:
        """Return near misses and kills counted so far."""
        if self.cgroupfs.version == 2:
            events = files.flat("memory.events")
            return events.get("max"), events.get("oom_kill")
        near = self._near_misses.setdefault(path, NearMisses()).see(use.used_bytes, use.limit_bytes)
        return near, files.flat("memory.oom_control").get("oom_kill")


def printable_path(path: str) -> str:
    """Return a cgroup path as safe text: names of cgroups may hold any byte."""
    return printable(path.encode("utf-8", "surrogateescape"))


PLUGIN = CgroupCollector
