"""What is watched: a target is a kind plus an identity that survives pid and path reuse."""

from __future__ import annotations

from typing import Final, NamedTuple

HOST: Final = "host"
UNIT: Final = "unit"
CONTAINER: Final = "container"
POD: Final = "pod"
CGROUP: Final = "cgroup"
RUN: Final = "run"
PROCESS: Final = "process"

KINDS: Final = (HOST, UNIT, CONTAINER, POD, CGROUP, RUN, PROCESS)


class Target(NamedTuple):
    """One thing that can run out of memory.

    `identity` is what makes it the same thing later: for a cgroup its path and
    inode (`/a/b#1234`), for a process tree its leader's pid and start time in
    clock ticks (`812@99341`), for the host its boot id. `name` is what people
    call it and may repeat. `path` is the cgroup below the memory mount ("" for
    none: a process tree lives in whatever cgroup its leader is in).
    """

    kind: str
    identity: str
    name: str
    path: str = ""


def cgroup_identity(path: str, inode: int) -> str:
    """Identity of a cgroup: the path people see and the inode that a re-creation changes."""
    return f"{path}#{inode}"


def process_identity(pid: int, start_ticks: int) -> str:
    """Identity of a process within a boot: pid and start time (clock ticks since boot, proc(5))."""
    return f"{pid}@{start_ticks}"
