"""Kernel wake-ups when a cgroup v1's usage crosses a level (cgroup-v1/memory.rst, section 9).

One eventfd serves all levels of a cgroup; closing it takes the levels back. A
crossing in either direction wakes, page cache included. The kernel looks every
few hundred page events: tried, within 1 MiB of the level at 1 GiB/s.

Each registration waits for an RCU grace period, 10 ms and more (measured: 22
levels of 18 cgroups took 5 s). So making the eventfd and registering it are two
things: the second may be done by a child that shares the descriptor.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from forestall.model.errors import Malformed
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.files import is_reserved, told

LEVELS_MAX: Final = 64


class UsageThresholds:
    """An eventfd (`fd`, poll for reading) that fires when the usage of `path` crosses one of the levels.

    Nothing fires before `register` has been called, here or in a forked child. Raises Malformed when descriptors
    are short: the last RESERVED_FILES are kept for hands and for the processes that are to be stopped.
    """

    __slots__ = ("_cgroupfs", "fd", "levels_bytes", "path")

    def __init__(self, cgroupfs: Cgroupfs, path: str, levels_bytes: Iterable[int]) -> None:
        self._cgroupfs = cgroupfs
        self.path = path
        self.levels_bytes = tuple(sorted(set(levels_bytes), reverse=True))[:LEVELS_MAX]
        try:
            self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as error:
            self.fd = -1
            raise told(error, f"wake-ups of {path}") from error
        if is_reserved(self.fd):
            self.close()
            raise Malformed(f"wake-ups of {path}", "too few descriptors are left")

    def register(self) -> None:
        """Have the kernel watch the levels, highest first; waits. Raises Absent, Denied or Malformed."""
        where = f"{self._cgroupfs.point}{self.path}/memory.usage_in_bytes"
        try:
            usage = os.open(where, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise told(error, where) from error
        try:
            for level in self.levels_bytes:
                self._cgroupfs.write(self.path, "cgroup.event_control", f"{self.fd} {usage} {level}")
        finally:
            os.close(usage)

    def clear(self) -> None:
        """Take the events that waited."""
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Take all levels back; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
