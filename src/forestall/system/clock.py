"""The clocks: CLOCK_BOOTTIME for durations, the wall clock for people (clock_gettime(2))."""

from __future__ import annotations

import time

from forestall.model.errors import ForestallError
from forestall.model.frame import Moment
from forestall.system.files import read_file


def boot_id() -> str:
    """Return this boot's random id (/proc/sys/kernel/random/boot_id), or "unknown"."""
    try:
        return read_file("/proc/sys/kernel/random/boot_id", 64).decode("ascii", "replace").strip()
    except ForestallError:
        return "unknown"


class Clock:
    """Tells the time; `boot_id` is read once because it cannot change."""

    __slots__ = ("boot_id",)

    def __init__(self) -> None:
        self.boot_id = boot_id()

    def now(self) -> Moment:
        """Return the moment it is."""
        return Moment(boottime_seconds(), time.time(), self.boot_id)


def boottime_seconds() -> float:
    """Seconds since boot, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def suspended_seconds() -> float:
    """Seconds this boot has spent suspended: the offset from kernel-log time to CLOCK_BOOTTIME."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def sleep(seconds: float) -> None:
    """Wait; for people's commands only, the guard waits in poll."""
    time.sleep(seconds)
