"""One tick: the time, the host and every target that was read, as plain values."""

from __future__ import annotations

from typing import NamedTuple

from forestall.model.kill import Kill
from forestall.model.target import Target


class Moment(NamedTuple):
    """A point in time on the clocks that matter.

    `boottime_seconds` is CLOCK_BOOTTIME (counts suspend; all durations use it),
    `wall_seconds` is the wall clock since the epoch, `boot_id` tells boots apart.
    """

    boottime_seconds: float
    wall_seconds: float
    boot_id: str


class Pressure(NamedTuple):
    """Memory pressure stall information (Documentation/accounting/psi.rst).

    Ratios 0..1 over the last 10, 60 and 300 s; totals in seconds since boot.
    """

    some_ratio_10s: float
    some_ratio_60s: float
    some_ratio_300s: float
    full_ratio_10s: float
    full_ratio_60s: float
    full_ratio_300s: float
    some_seconds_total: float
    full_seconds_total: float


class Host(NamedTuple):
    """The host's memory at one tick; bytes unless the name says otherwise, counters since boot."""

    total_bytes: int
    free_bytes: int
    available_bytes: int
    buffers_bytes: int
    cached_bytes: int
    shmem_bytes: int
    slab_reclaimable_bytes: int
    slab_unreclaimable_bytes: int
    anon_bytes: int
    page_tables_bytes: int
    kernel_stack_bytes: int
    dirty_bytes: int
    committed_bytes: int
    commit_limit_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int
    swap_cached_bytes: int
    low_total_bytes: int
    low_free_bytes: int
    load_1m: float
    load_5m: float
    load_15m: float
    running_processes: int
    blocked_processes: int
    oom_kills: int | None
    swap_in_pages: int
    swap_out_pages: int
    alloc_stalls: int
    pages_scanned_kswapd: int
    pages_scanned_direct: int
    pages_stolen_kswapd: int
    pages_stolen_direct: int
    major_faults: int
    pressure: Pressure | None

    @property
    def headroom_bytes(self) -> int:
        """What the host can still give: MemAvailable + SwapFree."""
        return self.available_bytes + self.swap_free_bytes


class Reading(NamedTuple):
    """One target at one tick. Bytes; counters since the target began; None = cannot be known here.

    `used_bytes` is unreclaimable use: usage minus clean page cache and other
    reclaimable pages; tmpfs, dirty, locked and swapped-out memory count (the
    last apart, as `swap_bytes`). `headroom_bytes` is the minimum over the
    target's cgroup, its ancestors and the host of limit minus unreclaimable use
    there, plus the swap that the level allows (shown apart as
    `swap_headroom_bytes`). `limit_bytes` is used + headroom; `limit_level`
    names the level that decides ("host" or a cgroup path), and `limit_own`
    says whether that level is the target's own cgroup.
    `level_used_bytes` is the unreclaimable use of the deciding level.
    `dirty_bytes` is page cache that is dirty or under write-back: it is use, but
    the kernel throttles who makes it and writes it back before it kills.
    """

    target: Target
    used_bytes: int
    usage_bytes: int
    headroom_bytes: int
    limit_bytes: int
    limit_level: str
    limit_own: bool
    level_used_bytes: int
    own_limit_bytes: int | None
    swap_bytes: int
    swap_headroom_bytes: int
    anon_bytes: int | None
    file_bytes: int | None
    shmem_bytes: int | None
    kernel_bytes: int | None
    sock_bytes: int | None
    peak_bytes: int | None
    near_misses: int | None
    kills: int | None
    cpu_seconds: float | None
    pids: int | None
    pressure: Pressure | None
    start_seconds: float | None
    dirty_bytes: int = 0

    @property
    def held_bytes(self) -> int:
        """Use without dirty page cache: what the kernel can neither drop nor write back. Only this warrants a stop."""
        return max(0, self.used_bytes - self.dirty_bytes)


class Note(NamedTuple):
    """Something that could not be seen, why, and what would help; said once per cause."""

    what: str
    why: str
    remedy: str


class Frame(NamedTuple):
    """All that one tick saw."""

    moment: Moment
    host: Host
    readings: tuple[Reading, ...]
    kills: tuple[Kill, ...] = ()
    notes: tuple[Note, ...] = ()
