"""Frames, readings and trends with plausible numbers, for tests of what is shown."""

from __future__ import annotations

from typing import Any

from forestall.model.frame import Frame, Host, Moment, Note, Pressure, Reading
from forestall.model.kill import FROM_KERNEL_LOG, Kill
from forestall.model.target import UNIT, Target
from forestall.model.trend import LEAKING, STEADY, Trend
from forestall.query.now import Health, Now

MIB = 1024 * 1024
GIB = 1024 * MIB

MOMENT = Moment(boottime_seconds=10_000.0, wall_seconds=1_800_000_000.0, boot_id="b00t")
CALM = Pressure(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5)
LEAK = Trend(20.0 * MIB, 240.0, 200.0, 300.0, 0.95, LEAKING, 60.0, 60, 1.0)
FLAT = Trend(0.0, None, None, None, 0.9, STEADY, 60.0, 60, 1.0)
HEALTH = Health(812, "0.1.0", 1_799_999_000.0, 10.0, 0.1, 4 * MIB, 0, "/etc/forestall/forestall.toml", 2, 1.5, 20 * MIB)
HOST = Host(
    total_bytes=8 * GIB,
    free_bytes=2 * GIB,
    available_bytes=5 * GIB,
    buffers_bytes=100 * MIB,
    cached_bytes=3 * GIB,
    shmem_bytes=50 * MIB,
    slab_reclaimable_bytes=200 * MIB,
    slab_unreclaimable_bytes=80 * MIB,
    anon_bytes=2 * GIB,
    page_tables_bytes=20 * MIB,
    kernel_stack_bytes=8 * MIB,
    dirty_bytes=MIB,
    committed_bytes=4 * GIB,
    commit_limit_bytes=5 * GIB,
    swap_total_bytes=GIB,
    swap_free_bytes=GIB - 64 * MIB,
    swap_cached_bytes=0,
    low_total_bytes=0,
    low_free_bytes=0,
    load_1m=0.5,
    load_5m=0.4,
    load_15m=0.3,
    running_processes=1,
    blocked_processes=0,
    oom_kills=0,
    swap_in_pages=0,
    swap_out_pages=0,
    alloc_stalls=0,
    pages_scanned_kswapd=0,
    pages_scanned_direct=0,
    pages_stolen_kswapd=0,
    pages_stolen_direct=0,
    major_faults=10,
    pressure=CALM,
)


def reading(name: str, *, used_bytes: int = 100 * MIB, limit_bytes: int = 512 * MIB, **changes: Any) -> Reading:
    """A unit of that name below /system.slice with a limit of its own; any field can be replaced."""
    path = f"/system.slice/{name}"
    one = Reading(
        target=Target(UNIT, f"{path}#7", name, path),
        used_bytes=used_bytes,
        usage_bytes=used_bytes + 10 * MIB,
        headroom_bytes=limit_bytes - used_bytes,
        limit_bytes=limit_bytes,
        limit_level=path,
        limit_own=True,
        level_used_bytes=used_bytes,
        own_limit_bytes=limit_bytes,
        swap_bytes=0,
        swap_headroom_bytes=0,
        anon_bytes=used_bytes,
        file_bytes=10 * MIB,
        shmem_bytes=0,
        kernel_bytes=MIB,
        sock_bytes=0,
        peak_bytes=used_bytes + 20 * MIB,
        near_misses=0,
        kills=0,
        cpu_seconds=1.0,
        pids=3,
        pressure=CALM,
        start_seconds=5_000.0,
    )
    return one._replace(**changes)


def kill(name: str, *, at_boottime_seconds: float = 9_880.0) -> Kill:
    """A kill of process 812 in the unit of that name, by the unit's own limit, two minutes before MOMENT."""
    path = f"/system.slice/{name}"
    return Kill(
        at_boottime_seconds, 1_799_999_880.0, 812, "leaker", path, path, 500 * MIB, MIB, 0, 0, 0, FROM_KERNEL_LOG
    )


def frame(*readings: Reading, kills: tuple[Kill, ...] = ()) -> Frame:
    """One tick at MOMENT with one note."""
    note = Note("/dev/kmsg", "permission denied", "run as root")
    return Frame(MOMENT, HOST, readings or (reading("api.service"),), kills, (note,))


def now(*readings: Reading, kills: tuple[Kill, ...] = (), **trends: Trend) -> Now:
    """What an agent would have written; trends by the unit's name with `_` for `.`."""
    known = {f"/system.slice/{name.replace('_', '.')}#7": trend for name, trend in trends.items()}
    return Now(frame(*readings, kills=kills), (), known, HEALTH)
