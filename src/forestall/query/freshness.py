"""The time for screens, which read no clock themselves, and how old a frame is by it."""

from __future__ import annotations

from forestall.model.frame import Moment
from forestall.system.clock import Clock


def moment() -> Moment:
    """The moment it is (CLOCK_BOOTTIME and the wall clock)."""
    return Clock().now()


def between_seconds(then: Moment, now: Moment) -> float:
    """Seconds from `then` to `now`, never negative; across a reboot the wall clock is all there is."""
    if then.boot_id == now.boot_id:
        return max(0.0, now.boottime_seconds - then.boottime_seconds)
    return max(0.0, now.wall_seconds - then.wall_seconds)
