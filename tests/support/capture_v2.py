"""Captures this machine's memory files as one text archive (tests/hosts): run as root on cgroup v2.

    python3 -m tests.support.capture_v2 > tree.txt

The whole hierarchy and every process that has memory, as they are: meant for a
machine of the laboratory (lab/boot), whose services are nobody's secret.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.archive import pack
from tests.support.capture_host import host_files, process_files, text_of

MOUNT = Path("/sys/fs/cgroup")
GROUP_FILES = (
    "cgroup.procs",
    "cgroup.subtree_control",
    "cpu.stat",
    "memory.current",
    "memory.events",
    "memory.high",
    "memory.low",
    "memory.max",
    "memory.min",
    "memory.peak",
    "memory.pressure",
    "memory.stat",
    "memory.swap.current",
    "memory.swap.max",
    "pids.current",
)


def group_files() -> Iterator[tuple[str, str]]:
    """The files of every cgroup that say something about its memory."""
    for directory in sorted({MOUNT, *(path for path in MOUNT.rglob("*") if path.is_dir())}):
        for name in GROUP_FILES:
            text = text_of(directory / name)
            if text is not None:
                yield f"{directory}/{name}".lstrip("/"), text


def capture() -> str:
    """The archive of this machine now."""
    if not (MOUNT / "cgroup.controllers").exists():
        sys.exit("capture_v2: needs cgroup v2 and root")
    files = dict(host_files()) | dict(group_files())
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and text_of(process / "maps"):
            files.update(process_files(int(process.name)))
    return pack(files)


if __name__ == "__main__":
    sys.stdout.write(capture())
