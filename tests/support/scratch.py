"""A cgroup v1 memory group of a test's own: made, limited, filled, and removed with everything that runs in it."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

REMOVE_SECONDS_MAX = 10.0


def memory_mount() -> str | None:
    """Where the cgroup v1 memory controller is mounted (proc_pid_mountinfo(5)), None when it is not."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        mount, _, rest = line.partition(" - ")
        fstype, _, options = rest.split(" ", 2)
        if fstype == "cgroup" and "memory" in options.split(","):
            return re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), mount.split(" ")[4])
    return None


class ScratchCgroup:
    """One group below the memory mount; `path` begins with "/" and is below the mount, as the product writes paths."""

    def __init__(self, mount: str, path: str) -> None:
        self.mount = mount
        self.path = path
        self.directory = Path(mount + path)
        self.directory.mkdir()

    def limit(self, limit_bytes: int, swap_bytes: int = 0) -> None:
        """Set the group's limit and what it may swap on top of it, both in bytes."""
        self.write("memory.limit_in_bytes", str(limit_bytes))
        if (self.directory / "memory.memsw.limit_in_bytes").exists():
            self.write("memory.memsw.limit_in_bytes", str(limit_bytes + swap_bytes))

    def child(self, name: str) -> ScratchCgroup:
        """A group inside this one; it goes when this one goes."""
        return ScratchCgroup(self.mount, f"{self.path}/{name}")

    def read(self, file: str) -> str:
        """Text of one of the group's files."""
        return (self.directory / file).read_text(encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        """Write one of the group's files."""
        (self.directory / file).write_text(text, encoding="utf-8")

    def add(self, pid: int) -> None:
        """Move a process into the group; 0 is the writer itself."""
        self.write("cgroup.procs", str(pid))

    def pids(self) -> list[int]:
        """Processes in the group itself."""
        return [int(line) for line in self.read("cgroup.procs").split()]

    def used_bytes(self) -> int:
        """The group's usage, page cache and all."""
        return int(self.read("memory.usage_in_bytes"))

    def kernel_kills(self) -> int:
        """How often the kernel's OOM killer has struck here."""
        return int(dict(line.split() for line in self.read("memory.oom_control").splitlines())["oom_kill"])

    def remove(self) -> None:
        """End what runs in the group and below it, and remove both; fails loudly when they do not go."""
        until = time.monotonic() + REMOVE_SECONDS_MAX
        while self.directory.exists():
            for directory, _, _ in os.walk(self.directory, topdown=False):
                _end_processes(Path(directory))
                _remove_if_empty(Path(directory))
            if time.monotonic() > until:
                raise TimeoutError(f"the group {self.path} does not go")
            time.sleep(0.01)


def _end_processes(directory: Path) -> None:
    try:
        pids = [int(pid) for pid in (directory / "cgroup.procs").read_text(encoding="utf-8").split()]
    except FileNotFoundError:
        return
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        return  # still busy: the caller looks again until its deadline
