"""Files of a memory cgroup, version 1 and 2, and /proc/PID/cgroup.

Documentation/admin-guide/cgroup-v2.rst ("Memory Interface Files") and
cgroup-v1/memory.rst. `count` reads memory.current, memory.usage_in_bytes,
memory.peak and pids.current; `limit` reads memory.max, memory.high and
memory.limit_in_bytes; `flat` and `pick` read memory.stat, memory.events,
cpu.stat and memory.oom_control.
"""

from __future__ import annotations

from typing import Final

from forestall.model.errors import Malformed
from forestall.parse import keyed
from forestall.parse.number import unsigned
from forestall.parse.text import decode

UNLIMITED_BYTES_MIN: Final = 2**63 - 2**20
"""Cgroup v1 says "no limit" with LONG_MAX rounded down to a page (4 to 64 KiB; LONG_MAX itself before 3.19)."""

PIDS_MAX: Final = 2**22
"""PID_MAX_LIMIT (include/linux/threads.h)."""


def count(text: bytes) -> int:
    """The one number of the file, in its own unit; Malformed when it is not one."""
    value = unsigned(text.strip())
    if value is None:
        raise Malformed("cgroup counter", "not a number", text)
    return value


def limit(text: bytes) -> int | None:
    """The limit in bytes, None for no limit ("max", or v1's constants); Malformed when it is neither."""
    stripped = text.strip()
    if stripped == b"max":
        return None
    value = unsigned(stripped)
    if value is None:
        raise Malformed("cgroup limit", 'neither a number nor "max"', text)
    return None if value >= UNLIMITED_BYTES_MIN else value


def pids(text: bytes) -> tuple[int, ...]:
    """The processes of cgroup.procs; empty for an empty cgroup, Malformed when a line is no number.

    A process of another pid namespace is listed as 0 and left out: a signal to
    pid 0 would go to our own process group.
    """
    numbers = [unsigned(word) for word in text.split(None, PIDS_MAX)[:PIDS_MAX]]
    found = [number for number in numbers if number is not None]
    if len(found) != len(numbers):
        raise Malformed("cgroup.procs", "a line is not a pid", text)
    return tuple(number for number in found if number)


def flat(text: bytes) -> dict[str, int]:
    """Numbers by key of a flat keyed file; Malformed when no line is a pair."""
    return keyed.spaced(text, "cgroup file")


def pick(text: bytes, keys: tuple[bytes, ...]) -> tuple[int | None, ...]:
    """Only the numbers of `keys` out of a flat keyed file, None for an absent one: the guard's cheap `flat`."""
    return keyed.pick(text, keys, "cgroup file")


def memory_path(text: bytes, version: int) -> str:
    """The memory cgroup out of /proc/PID/cgroup (cgroups(7)), as a path from the hierarchy's root.

        4:memory:/system.slice/nginx.service      version 1
        0::/system.slice/nginx.service            version 2

    Malformed when the hierarchy is not listed. Names may hold colons, never newlines.
    """
    for line in text.split(b"\n"):
        number, _, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        wanted = b"memory" in controllers.split(b",") if version == 1 else number == b"0" and not controllers
        if wanted and colon and path.startswith(b"/"):
            return decode(path)
    raise Malformed("/proc/PID/cgroup", f"no memory hierarchy of version {version} in it", text)
