r"""/proc/self/mountinfo: what is mounted where, and so which cgroup hierarchy accounts memory (proc(5)).

    35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
    41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

Fields: id, parent, device, root within the filesystem, mount point, options,
optional fields, "-", type, source, options of the filesystem. Blanks, newlines
and backslashes in paths are octal (\040).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from forestall.model.errors import Absent, Malformed
from forestall.parse.text import decode

MOUNTS_MAX: Final = 100_000
"""fs.mount-max of the kernel: no mount namespace holds more."""

_OCTAL: Final = re.compile(rb"\\([0-3][0-7]{2})")


class Mount(NamedTuple):
    """One mount. `options` are those of the mount and of the filesystem together: "ro" there means read-only here.

    `root` is the part of the filesystem that is visible: not "/" for a bind
    mount, or for a cgroup mount inside a container without a namespace.
    """

    point: str
    fstype: str
    options: frozenset[str]
    root: str


class Hierarchy(NamedTuple):
    """Where memory is accounted: cgroup `version` (1 or 2) mounted at `point`.

    `unified` is the mount point of the v2 tree, if any: the same as `point` for
    version 2, another one on a hybrid host. `root` is the cgroup that lies at `point`.
    """

    version: int
    point: str
    unified: str | None
    root: str = "/"


def parse(text: bytes) -> tuple[Mount, ...]:
    """All mounts, in the file's order; lines of another shape are left out. Malformed when nothing else is left."""
    lines = text.split(b"\n", MOUNTS_MAX)[:MOUNTS_MAX]
    mounts = tuple(mount for line in lines if (mount := _mount(line)) is not None)
    if not mounts:
        raise Malformed("/proc/self/mountinfo", "no mount in it", text)
    return mounts


def memory_hierarchy(mounts: Iterable[Mount]) -> Hierarchy:
    """The hierarchy that accounts memory; Absent when no cgroup mount can.

    A v1 mount with the memory controller wins: the kernel attaches a controller
    to one hierarchy only, so then the v2 tree has none.
    """
    # A later mount on the same point hides the earlier one.
    visible = list({mount.point: mount for mount in mounts}.values())
    unified = _widest(mount for mount in visible if mount.fstype == "cgroup2")
    memory = _widest(mount for mount in visible if mount.fstype == "cgroup" and "memory" in mount.options)
    unified_point = None if unified is None else unified.point
    if memory is not None:
        return Hierarchy(1, memory.point, unified_point, memory.root)
    if unified is not None:
        return Hierarchy(2, unified.point, unified_point, unified.root)
    raise Absent("a cgroup mount with memory", "mount cgroup2 on /sys/fs/cgroup, or boot with cgroup_enable=memory")


def _mount(line: bytes) -> Mount | None:
    before, dash, after = line.partition(b" - ")
    fields, filesystem = before.split(b" "), after.split(b" ")
    if not dash or len(fields) < 6 or len(filesystem) < 3:
        return None
    options = fields[5].split(b",") + filesystem[-1].split(b",")
    return Mount(
        point=_unescaped(fields[4]),
        fstype=decode(filesystem[0]),
        options=frozenset(decode(option) for option in options if option),
        root=_unescaped(fields[3]),
    )


def _unescaped(raw: bytes) -> str:
    return decode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), raw))


def _widest(mounts: Iterable[Mount]) -> Mount | None:
    """The mount that shows most of its tree: the whole rather than a part, then the shortest path."""
    return min(mounts, key=lambda mount: (mount.root != "/", len(mount.point)), default=None)
