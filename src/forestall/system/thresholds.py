"""Kernel wake-ups when a cgroup v1's usage crosses a level (cgroup-v1/memory.rst, section 9).

One eventfd serves all levels of a cgroup; closing it takes the levels back. A
crossing in either direction wakes, page cache included. The kernel looks every
few hundred page events: tried, within 1 MiB of the level at 1 GiB/s.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from forestall.model.errors import Denied, ForestallError
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.files import KeptFile, told

LEVELS_MAX = 64


class UsageThresholds:
    """An eventfd (`fd`, poll for reading) that fires when the usage of `path` crosses one of the levels."""

    __slots__ = ("_usage", "fd", "levels_bytes")

    def __init__(self, cgroupfs: Cgroupfs, path: str, levels_bytes: Iterable[int]) -> None:
        self.levels_bytes = tuple(sorted(set(levels_bytes)))[:LEVELS_MAX]
        self._usage = cgroupfs.keep(path, "memory.usage_in_bytes")
        self.fd = -1
        try:
            self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            usage = os.open(self._usage.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                for level in self.levels_bytes:
                    cgroupfs.write(path, "cgroup.event_control", f"{self.fd} {usage} {level}")
            finally:
                os.close(usage)
        except ForestallError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise told(error, f"usage thresholds of {path}") from error

    def clear(self) -> None:
        """Take the events that waited."""
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Take all levels back; a second call does nothing."""
        self._usage.close()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def explain(error: ForestallError) -> str:
    """Say in words why there are no wake-ups here."""
    if isinstance(error, Denied):
        return "no kernel wake-ups: cgroup.event_control may not be written; looking by the clock"
    return f"no kernel wake-ups ({error}); looking by the clock"
