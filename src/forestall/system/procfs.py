"""The /proc file system (proc(5)) under a root that tests may point elsewhere."""

from __future__ import annotations

import os

from forestall.system.files import KeptFile, list_directory, read_file


class Procfs:
    """Reads below /proc. `root` is where it is mounted; names are relative ("meminfo", "812/stat")."""

    __slots__ = ("root",)

    def __init__(self, root: str = "/proc") -> None:
        self.root = root

    def read(self, name: str, limit: int = 65536) -> bytes:
        """Return at most `limit` bytes of a file; raises Absent, Denied or Malformed."""
        return read_file(f"{self.root}/{name}", limit)

    def keep(self, name: str) -> KeptFile:
        """Open a file to be read many times; raises Absent or Denied."""
        return KeptFile(f"{self.root}/{name}")

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        return os.path.exists(f"{self.root}/{name}")

    def pids(self) -> list[int]:
        """Return the pids of all processes that are visible, in the kernel's order."""
        return [int(name) for name in list_directory(self.root) if name.isdigit()]
