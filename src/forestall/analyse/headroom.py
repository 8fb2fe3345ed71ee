"""How much a target may still take: the tightest of its own cgroup, every ancestor, and the host."""

from __future__ import annotations

from collections.abc import Sequence

from forestall.model.frame import Host
from forestall.model.level import HOST_LEVEL, Level


def host_level(host: Host) -> Level:
    """Return the host as a level: headroom = MemAvailable + SwapFree, bytes."""
    total = host.total_bytes + host.swap_total_bytes
    headroom = host.headroom_bytes
    return Level(HOST_LEVEL, total, max(0, total - headroom), headroom, host.swap_free_bytes)


def cgroup_level(
    path: str,
    usage_bytes: int,
    reclaimable_bytes: int,
    limit_bytes: int | None,
    swap_bytes: int,
    swap_allowed_bytes: int,
) -> Level | None:
    """Return a cgroup as a level, None when it has no limit.

    `swap_allowed_bytes` is how much more it may swap out: what its own swap limit
    leaves, and no more than the host has free; negative where a limit on memory
    and swap together (v1 memsw) is tighter than the one on memory.
    """
    if limit_bytes is None:
        return None
    resident = max(0, usage_bytes - reclaimable_bytes)
    in_memory = max(0, limit_bytes - resident)
    headroom = max(0, in_memory + swap_allowed_bytes)
    return Level(path, limit_bytes, resident + swap_bytes, headroom, max(0, swap_allowed_bytes))


def deciding(levels: Sequence[Level]) -> Level:
    """Return the level with the least headroom; of equals the one nearest to the target (levels come nearest first)."""
    assert levels, "the host is always a level"
    return min(levels, key=lambda level: level.headroom_bytes)
