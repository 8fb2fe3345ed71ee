"""Memory cgroups, v1 and v2: use, limits, headroom along the path to the root, events, peak.

Sources: Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst. What
is reclaimable (clean page cache, and on v2 reclaimable slab) is not use; tmpfs,
dirty and locked pages are.
"""

from __future__ import annotations

from collections.abc import Callable
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

_V1_KEPT: Final = (
    "memory.usage_in_bytes",
    "memory.stat",
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.oom_control",
)
_V2_KEPT: Final = (
    "memory.current",
    "memory.stat",
    "memory.max",
    "memory.swap.current",
    "memory.swap.max",
    "memory.events",
)
_REQUIRED: Final = frozenset({"memory.usage_in_bytes", "memory.current", "memory.stat"})


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
    dirty_bytes: int

    @property
    def used_bytes(self) -> int:
        """Unreclaimable use, swapped-out memory included."""
        return max(0, self.usage_bytes - self.reclaimable_bytes) + self.swap_bytes


class CgroupFiles:
    """The files of one cgroup that are read at every look, kept open; the others are opened when asked for.

    Bound to the directory that was there: after a removal every read is Absent.
    """

    __slots__ = ("_cgroupfs", "_kept", "_peak_and_kernel", "_peak_seen_at_bytes", "_stat_seen", "path", "target")

    def __init__(self, cgroupfs: Cgroupfs, path: str) -> None:
        self._cgroupfs = cgroupfs
        self.path = path
        self._peak_and_kernel: tuple[int | None, int | None] = (None, None)
        self._peak_seen_at_bytes = -1
        self._stat_seen: tuple[bytes, tuple[int | None, ...]] = (b"", ())
        self._kept: dict[str, KeptFile] = {}
        inode = cgroupfs.inode(path)
        shown = printable_path(path)
        named = cgroupname.name(shown)
        self.target = Target(named.kind, cgroup_identity(shown, inode), named.name, shown)
        try:
            self._open(*(_V1_KEPT if cgroupfs.version == 1 else _V2_KEPT))
            if cgroupfs.inode(path) != inode:
                raise Absent(path)  # made again while we were opening: the files are of two cgroups
        except ForestallError:
            self.close()
            raise

    def _open(self, *names: str) -> None:
        for name in names:
            try:
                self._kept[name] = self._cgroupfs.keep(self.path, name)
            except Absent:
                if name in _REQUIRED:
                    raise

    def use(self, swap_allowed_above_bytes: int) -> Use:
        """Return the cgroup's memory now; raises Absent when it has vanished.

        `swap_allowed_above_bytes` is how much more the host, and on v2 the parent, lets it swap out.
        """
        if self._cgroupfs.version == 1:
            return self._use_v1(swap_allowed_above_bytes)
        return self._use_v2(swap_allowed_above_bytes)

    def _use_v1(self, host_swap_free: int) -> Use:
        usage = cgroup.count(self._kept["memory.usage_in_bytes"].read(64))
        active, inactive, dirty, writeback, rss, cache, shmem, swap = [value or 0 for value in self._stat(_V1_STAT)]
        reclaimable = max(0, min(active + inactive - dirty - writeback, usage))
        limit = self._limit("memory.limit_in_bytes")
        both = self._limit("memory.memsw.limit_in_bytes")
        allowed = host_swap_free
        if both is not None and limit is not None:
            allowed = min(allowed, both - limit - swap)
        return Use(
            usage, reclaimable, limit, swap, allowed, rss, max(0, cache - shmem), shmem, None, None, dirty + writeback
        )

    def _use_v2(self, swap_allowed_above: int) -> Use:
        usage = cgroup.count(self._kept["memory.current"].read(64))
        active, inactive, dirty, writeback, anon, file, shmem, slab, kernel, sock = self._stat(_V2_STAT)
        unclean = (dirty or 0) + (writeback or 0)
        clean = (active or 0) + (inactive or 0) - unclean + (slab or 0)
        swap_file = self._kept.get("memory.swap.current")
        swap = 0 if swap_file is None else cgroup.count(swap_file.read(64))
        swap_limit = self._limit("memory.swap.max")
        allowed = swap_allowed_above if swap_limit is None else min(swap_allowed_above, max(0, swap_limit - swap))
        page_cache = None if file is None else max(0, file - (shmem or 0))
        reclaimable = max(0, min(clean, usage))
        limit = self._limit("memory.max")
        return Use(usage, reclaimable, limit, swap, allowed, anon, page_cache, shmem, kernel, sock, unclean)

    def _limit(self, name: str) -> int | None:
        """Return a limit in bytes, None when it says none or is not in this kernel."""
        kept = self._kept.get(name)
        return None if kept is None else cgroup.limit(kept.read(64))

    def _stat(self, keys: tuple[bytes, ...]) -> tuple[int | None, ...]:
        """Return numbers out of memory.stat; of an idle cgroup it stays the same, and is not parsed again."""
        raw = self._kept["memory.stat"].read()
        if raw != self._stat_seen[0]:
            self._stat_seen = raw, cgroup.pick(raw, keys)
        return self._stat_seen[1]

    def events(self, keys: tuple[bytes, ...]) -> tuple[int | None, ...]:
        """Return OOM counters, None where this kernel has none."""
        kept = self._kept.get("memory.oom_control" if self._cgroupfs.version == 1 else "memory.events")
        found = None if kept is None else _optional(lambda: cgroup.pick(kept.read(1024), keys))
        return (None,) * len(keys) if found is None else found

    def peak_and_kernel(self, usage_bytes: int) -> tuple[int | None, int | None]:
        """Return highest usage so far and (v1) kernel memory, bytes; read again only when usage has moved."""
        if usage_bytes != self._peak_seen_at_bytes:
            first = self._cgroupfs.version == 1
            peak = self.count("memory.max_usage_in_bytes" if first else "memory.peak")
            kernel = self.count("memory.kmem.usage_in_bytes") if first else None
            self._peak_and_kernel = (peak, kernel)
            self._peak_seen_at_bytes = usage_bytes
        return self._peak_and_kernel

    def count(self, file: str) -> int | None:
        """Return a counter file's number, None when this kernel has no such file."""
        return _optional(lambda: cgroup.count(self._cgroupfs.read(self.path, file, 64)))

    def cpu_seconds(self) -> float | None:
        """Return the processor time of all its processes so far (v2 only; v1 keeps it in another hierarchy)."""
        if self._cgroupfs.version == 1:
            return None
        found = _optional(lambda: cgroup.flat(self._cgroupfs.read(self.path, "cpu.stat", 4096)))
        return None if found is None or "usage_usec" not in found else found["usage_usec"] / 1e6

    def pressure(self) -> Pressure | None:
        """Return the cgroup's own stall figures (v2 only)."""
        if self._cgroupfs.version == 1:
            return None
        return _optional(lambda: psi.parse(self._cgroupfs.read(self.path, "memory.pressure", 512)))

    def close(self) -> None:
        """Let the descriptors go."""
        for kept in self._kept.values():
            kept.close()


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
        swap_allowed = self._swap_allowed_above(path)
        for _ in range(2):  # a second try for a cgroup that was removed and made again
            try:
                if path not in self._files:
                    self._files[path] = CgroupFiles(self.cgroupfs, path)
                return self._files[path].use(swap_allowed)
            except Absent:
                self.forget(path)
            except Denied as error:
                self._note(error, "run as root to see them")
                return None
            except Malformed as error:
                self.forget(path)
                self._note(error, "raise the limit of open files (LimitNOFILE=), if it is that")
                return None
        return None

    def _swap_allowed_above(self, path: str) -> int:
        """Return how much more may be swapped out as far as the host and (v2) the ancestors say, bytes."""
        assert self._host is not None, "begin() first"
        parent = path.rpartition("/")[0]
        above = self.use(parent) if parent and self.cgroupfs.version == 2 else None
        return self._host.swap_headroom_bytes if above is None else above.swap_allowed_bytes

    def _note(self, error: ForestallError, remedy: str) -> None:
        """Keep the first cause why cgroups are not seen; a thousand of them are one note."""
        if not self.notes:
            self.notes.append(Note("some cgroups", str(error), remedy))

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
            if use is not None and use.limit_bytes is not None:
                sizes = use.usage_bytes, use.reclaimable_bytes, use.limit_bytes, use.swap_bytes, use.swap_allowed_bytes
                level = cgroup_level(self._files[here].target.path, *sizes)
                if level is not None:
                    levels.append(level)
            here = here.rpartition("/")[0]
        levels.append(self._host)
        return levels

    def target(self, path: str) -> Target | None:
        """Return what people call this cgroup, None when it has vanished."""
        return None if self.use(path) is None else self._files[path].target

    def has_own_limit(self, path: str) -> bool:
        """Whether the cgroup itself limits memory."""
        use = self.use(path)
        return use is not None and use.limit_bytes is not None

    def is_service(self, path: str) -> bool:
        """Whether this cgroup is a row of its own: a unit, container, pod or run, or any cgroup with a limit."""
        target = self.target(path)
        return target is not None and (target.kind != CGROUP or self.has_own_limit(path))

    def read(self, path: str) -> Reading | None:
        """Return everything about one cgroup at this look, None when it has vanished."""
        reading = self.glance(path)
        if reading is None:
            return None
        files = self._files[path]
        peak, kernel = files.peak_and_kernel(reading.usage_bytes)
        return reading._replace(
            kernel_bytes=kernel if self.cgroupfs.version == 1 else reading.kernel_bytes,
            peak_bytes=peak,
            cpu_seconds=files.cpu_seconds(),
            pids=files.count("pids.current") if self.cgroupfs.version == 2 else None,
        )

    def glance(self, path: str) -> Reading | None:
        """Return what a decision needs of one cgroup, by few reads: the guard's look."""
        use = self.use(path)
        if use is None:
            return None
        files = self._files[path]
        target = files.target
        level = deciding(self.levels(path))
        near, kills = self._events(path, use, files)
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
            pressure=files.pressure(),
            start_seconds=None,
            dirty_bytes=min(use.dirty_bytes, use.used_bytes),
        )

    def _events(self, path: str, use: Use, files: CgroupFiles) -> tuple[int | None, int | None]:
        """Return near misses and kills counted so far."""
        if self.cgroupfs.version == 2:
            near, kills = files.events((b"max", b"oom_kill"))
            return near, kills
        near = self._near_misses.setdefault(path, NearMisses()).see(use.used_bytes - use.dirty_bytes, use.limit_bytes)
        return near, files.events((b"oom_kill",))[0]


def printable_path(path: str) -> str:
    """Return a cgroup path as safe text: names of cgroups may hold any byte."""
    return printable(path.encode("utf-8", "surrogateescape"))


PLUGIN = CgroupCollector
