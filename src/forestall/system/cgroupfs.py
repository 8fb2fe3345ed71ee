"""The memory cgroup hierarchy, v1 or v2, under its mount point.

Paths begin with "/" and are relative to the mount point ("/" is the mount's own
root). Names may hold any byte: they are surrogate-escaped as Python does for
file names, and made printable only where they become a target's name.
Sources: Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from forestall.model.errors import ForestallError
from forestall.system.files import KeptFile, read_file, told, write_file

CGROUPS_MAX = 20_000
DEPTH_MAX = 32
LEAF_LINKS = 2
"""Links of a directory without sub-directories, where the file system counts them (kernfs does)."""


class Found(NamedTuple):
    """One cgroup of a walk: its path below the mount and its inode, which a re-creation changes."""

    path: str
    inode: int


class Cgroupfs:
    """Reads and writes below one memory cgroup mount. `version` is 1 or 2.

    `root` is the cgroup that lies at the mount point: not "/" inside a container without a cgroup namespace.
    """

    __slots__ = ("point", "root", "version")

    def __init__(self, point: str, version: int, root: str = "/") -> None:
        self.point = point.rstrip("/")
        self.version = version
        self.root = root.rstrip("/")

    def below(self, path: str) -> str:
        """Return a path of /proc/PID/cgroup as one below the mount point; one that lies elsewhere stays as it is."""
        if self.root and (path + "/").startswith(self.root + "/"):
            return path[len(self.root) :] or "/"
        return path

    def _where(self, path: str, file: str = "") -> str:
        below = self.point + (path if path != "/" else "")
        return f"{below}/{file}" if file else below or "/"

    def read(self, path: str, file: str, limit: int = 65536) -> bytes:
        """Return a control file's bytes; raises Absent (vanished, or not in this kernel), Denied, Malformed."""
        return read_file(self._where(path, file), limit)

    def keep(self, path: str, file: str) -> KeptFile:
        """Open a control file to be read many times; raises Absent or Denied."""
        return KeptFile(self._where(path, file))

    def write(self, path: str, file: str, text: str) -> None:
        """Write a control file; raises Absent, Denied, or Malformed when the kernel refuses the value."""
        write_file(self._where(path, file), text)

    def inode(self, path: str) -> int:
        """Return the inode of a cgroup's directory; raises Absent or Denied."""
        return self._status(path).st_ino

    def _status(self, path: str) -> os.stat_result:
        try:
            return os.stat(self._where(path))
        except OSError as error:
            raise told(error, path) from error

    def exists(self, path: str) -> bool:
        """Whether the cgroup is there."""
        return os.path.isdir(self._where(path))

    def writable(self, path: str) -> bool:
        """Whether a cgroup may be made below `path` by this process."""
        return os.access(self._where(path), os.W_OK)

    def make(self, path: str) -> None:
        """Make a cgroup (its parent must exist); raises Denied, Absent, or Malformed when it exists already."""
        try:
            os.mkdir(self._where(path), 0o755)
        except OSError as error:
            raise told(error, path) from error

    def remove(self, path: str) -> None:
        """Remove a cgroup without processes and children; one that is gone is fine; raises Malformed when busy."""
        try:
            os.rmdir(self._where(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise told(error, path) from error

    def children(self, path: str) -> list[str]:
        """Return the paths of the cgroups right below `path`; raises Absent, Denied, or Malformed (path too long)."""
        try:
            with os.scandir(self._where(path)) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            raise told(error, path) from error
        prefix = path if path != "/" else ""
        return [f"{prefix}/{name}" for name in names]

    def walk(self, path: str = "/") -> Iterator[Found]:
        """Yield `path` and every cgroup below it, parents first; what vanishes or may not be read is passed over."""
        waiting = [(path, 0)]
        seen = 0
        while waiting and seen < CGROUPS_MAX:
            here, depth = waiting.pop()
            seen += 1
            try:
                status = self._status(here)
                yield Found(here, status.st_ino)
                # kernfs counts a directory's children as links: listing the many leaves would cost ten times this
                if status.st_nlink != LEAF_LINKS and depth < DEPTH_MAX:
                    waiting.extend((child, depth + 1) for child in self.children(here))
            except ForestallError:
                continue
