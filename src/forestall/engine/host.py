"""The host seen as one more target, so that rules and conditions need no second language for it."""

from __future__ import annotations

from forestall.analyse.headroom import host_level
from forestall.model.frame import Host, Moment, Reading
from forestall.model.level import HOST_LEVEL
from forestall.model.target import HOST, Target


def host_target(moment: Moment) -> Target:
    """The host: a boot is its life, so the boot id is its identity."""
    return Target(HOST, moment.boot_id, "host")


def host_reading(host: Host, moment: Moment) -> Reading:
    """Use = everything but MemAvailable and free swap; limit = RAM and swap. `kills` stays unknown: its counter in
    /proc/vmstat also counts the kills of cgroups.
    """
    level = host_level(host)
    return Reading(
        target=host_target(moment),
        used_bytes=level.used_bytes,
        usage_bytes=host.total_bytes - host.free_bytes,
        headroom_bytes=level.headroom_bytes,
        limit_bytes=level.used_bytes + level.headroom_bytes,
        limit_level=HOST_LEVEL,
        limit_own=True,
        level_used_bytes=level.used_bytes,
        own_limit_bytes=level.limit_bytes,
        swap_bytes=host.swap_total_bytes - host.swap_free_bytes,
        swap_headroom_bytes=level.swap_headroom_bytes,
        anon_bytes=host.anon_bytes,
        file_bytes=host.cached_bytes,
        shmem_bytes=host.shmem_bytes,
        kernel_bytes=host.slab_unreclaimable_bytes + host.kernel_stack_bytes + host.page_tables_bytes,
        sock_bytes=None,
        peak_bytes=None,
        near_misses=None,
        kills=None,
        cpu_seconds=None,
        pids=None,
        pressure=host.pressure,
        start_seconds=None,
    )
