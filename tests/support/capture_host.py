"""Captures this machine's memory files as one text archive (tests/hosts): run as root on cgroup v1.

    python3 -m tests.support.capture_host > tests/hosts/NAME/tree.txt

It makes a few cgroups with processes of its own, so that there is something to
see, captures these and the host's files, and removes them again. Of the mount
table only what concerns memory is kept: the rest says more about the machine
than about the kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.archive import pack
from tests.support.scratch import ScratchCgroup, memory_mount
from tests.support.worker import MIB, Worker, settle, worker

CONTAINER = "4f" * 32
HOST_FILES = ("meminfo", "vmstat", "loadavg", "stat", "pressure/memory")
GROUP_FILES = (
    "cgroup.procs",
    "memory.failcnt",
    "memory.kmem.usage_in_bytes",
    "memory.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.memsw.usage_in_bytes",
    "memory.oom_control",
    "memory.stat",
    "memory.swappiness",
    "memory.usage_in_bytes",
)
PROCESS_FILES = ("stat", "statm", "status", "cgroup")


@contextmanager
def made(mount: str, path: str, limit_bytes: int | None) -> Iterator[ScratchCgroup]:
    """A cgroup with that path, removed with all that runs in it."""
    group = ScratchCgroup(mount, path)
    try:
        if limit_bytes is not None:
            group.limit(limit_bytes)
        yield group
    finally:
        group.remove()


def text_of(path: Path) -> str | None:
    """A kernel file's text, None when it cannot be read or is no text that ends as one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if not text or text.endswith("\n") else text + "\n"


def host_files() -> Iterator[tuple[str, str]]:
    """The host's own files, and of the mounts those of cgroups."""
    for name in HOST_FILES:
        text = text_of(Path("/proc") / name)
        if text is not None:
            yield f"proc/{name}", text
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines(keepends=True)
    yield "proc/self/mountinfo", "".join(line for line in mounts if " - cgroup" in line)


def process_files(pid: int) -> Iterator[tuple[str, str]]:
    """What is read of a process."""
    for name in PROCESS_FILES:
        text = text_of(Path(f"/proc/{pid}/{name}"))
        if text is not None:
            yield f"proc/{pid}/{name}", text


def group_files(group: ScratchCgroup) -> Iterator[tuple[str, str]]:
    """The files of a cgroup that say something about its memory."""
    for name in GROUP_FILES:
        text = text_of(group.directory / name)
        if text is not None:
            yield f"{group.directory}/{name}".lstrip("/"), text


def capture() -> str:
    """Make services, look at them, and return the archive."""
    mount = memory_mount()
    if mount is None:
        sys.exit("capture_host: needs cgroup v1 memory and root")
    wanted = (
        ("/system.slice", None, 0),
        ("/system.slice/api.service", 128 * MIB, 40),
        ("/system.slice/calm.service", None, 4),
        ("/docker", None, 0),
        (f"/docker/{CONTAINER}", 64 * MIB, 20),
        ("/batch", 96 * MIB, 0),
        ("/batch/eater", None, 70),
        ("/batch/small.service", 64 * MIB, 2),
        ("/by-hand", None, 8),
    )
    with ExitStack() as stack:
        groups, workers = [], list[Worker]()
        for path, limit, held in wanted:
            groups.append(stack.enter_context(made(mount, path, limit)))
            if held:
                workers.append(stack.enter_context(worker(groups[-1], own_group=True)))
                workers[-1].hold(held * MIB)
        settle(0.5)
        files = dict(host_files())
        for one in workers:
            files.update(process_files(one.pid))
        for group in groups:
            files.update(group_files(group))
    return pack(files)


if __name__ == "__main__":
    sys.stdout.write(capture())
