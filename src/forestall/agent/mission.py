"""What a guard is told at its start: a plain JSON object handed over a pipe by whoever starts it.

The configuration is read and checked in another process: neither a TOML parser
nor a slow disk has a place in the guard.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from forestall.model.errors import Malformed

MISSION_BYTES_MAX = 4 * 1024 * 1024


class Run(NamedTuple):
    """A command under `forestall run`: its cgroup ("" = none could be made), its process, and its limit in bytes."""

    id: str
    cgroup_path: str
    cgroup_inode: int
    memory_bytes: int
    name: str


class Kin(NamedTuple):
    """A process of ours, with all that it starts; `start_ticks` (proc_pid_stat(5)) tells it from a later one."""

    pid: int
    start_ticks: int


class Mission(NamedTuple):
    """`config` as `config.encode` gives it. `report_fd` takes the guard's story as JSON lines (-1: nobody listens).

    `control_fd` brings the owner's words; its end without a farewell is the owner's death. `owner_pid` is the
    process whose descendants the command is (only looked at where no cgroup could be made). `kin` is never acted
    upon, wherever it lives: who started the agent, and the page beside it.
    """

    config: dict[str, Any]
    state_directory: str
    runtime_directory: str
    report_fd: int = -1
    control_fd: int = -1
    owner_pid: int = 0
    run: Run | None = None
    record: bool = True
    proc_root: str = "/proc"
    kin: tuple[Kin, ...] = ()


def encode(mission: Mission) -> bytes:
    """Return the mission as JSON."""
    content = mission._asdict()
    content["run"] = None if mission.run is None else mission.run._asdict()
    return json.dumps(content).encode()


def decode(raw: bytes) -> Mission:
    """Return the mission out of JSON; raises Malformed."""
    try:
        content = json.loads(raw)
        run = content.pop("run")
        kin = tuple(Kin(int(pid), int(ticks)) for pid, ticks in content.pop("kin"))
        return Mission(**content, run=None if run is None else Run(**run), kin=kin)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed("mission", str(error), raw) from error
