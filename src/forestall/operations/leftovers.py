"""What dead runs left behind: ended and removed by the next run, demo or agent; nothing else is ever touched.

Each run writes a record beside its live state before it makes anything: its
cgroup with inode, and its owner and guard by pid, start time and boot. A record
whose owner and guard are both dead names a leftover.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from forestall.act.terminate import Termination
from forestall.agent.eyes import CgroupEye
from forestall.agent.sweep import find_cgroups
from forestall.model.errors import Absent, ForestallError, Malformed
from forestall.parse import procpid
from forestall.system.clock import Clock, boottime_seconds, sleep
from forestall.system.files import list_directory, read_file, remove_tree, replace_file
from forestall.system.procfs import Procfs

RECORD_BYTES_MAX = 16384
RUN_PREFIX = "forestall-run-"
"""How the name of every cgroup begins that we make; no other is ever ended or removed, whatever a record says."""


class Record(NamedTuple):
    """Who made what: written before it is made. `guard_pid` 0 until the guard is started."""

    owner_pid: int
    owner_start_ticks: int
    guard_pid: int
    guard_start_ticks: int
    boot_id: str
    cgroup_path: str
    cgroup_inode: int


def write_record(directory: str, record: Record) -> None:
    """Write a run's record; raises Denied or Absent."""
    replace_file(f"{directory}/record", json.dumps(record._asdict()).encode())


def read_record(directory: str) -> Record:
    """Read a run's record; raises Absent or Malformed."""
    raw = read_file(f"{directory}/record", RECORD_BYTES_MAX)
    try:
        content: dict[str, Any] = json.loads(raw)
        record = Record(**content)
        return record._replace(owner_pid=int(record.owner_pid), cgroup_path=str(record.cgroup_path))
    except (ValueError, TypeError) as error:
        raise Malformed("run record", str(error), raw) from error


def start_ticks(procfs: Procfs, pid: int) -> int:
    """Return a process's start time in clock ticks, 0 when it is gone (a zombie counts as gone)."""
    try:
        stat = procpid.stat(procfs.read(f"{pid}/stat", 4096))
    except ForestallError:
        return 0
    return 0 if stat.state in "ZX" else stat.start_ticks


def end_leftovers(runs_directory: str) -> list[str]:
    """End and remove what dead runs left; return their ids. A record that cannot be read is left alone."""
    procfs, boot_id = Procfs(), Clock().boot_id
    ended = []
    try:
        names = list_directory(runs_directory)
    except Absent:
        return []
    for name in names:
        directory = f"{runs_directory}/{name}"
        try:
            record = read_record(directory)
        except ForestallError:
            continue
        if _alive(procfs, record, boot_id):
            continue
        if record.boot_id == boot_id and record.cgroup_path:
            _end_cgroup(record, procfs)
        remove_tree(directory)
        ended.append(name)
    return ended


def _alive(procfs: Procfs, record: Record, boot_id: str) -> bool:
    if record.boot_id != boot_id:
        return False
    owner = start_ticks(procfs, record.owner_pid) == record.owner_start_ticks != 0
    return owner or (record.guard_pid != 0 and start_ticks(procfs, record.guard_pid) == record.guard_start_ticks != 0)


def _end_cgroup(record: Record, procfs: Procfs) -> None:
    cgroups = find_cgroups(procfs)
    if cgroups is None or not record.cgroup_path.rpartition("/")[2].startswith(RUN_PREFIX):
        return
    try:
        if cgroups.cgroupfs.inode(record.cgroup_path) != record.cgroup_inode:
            if not record.cgroup_inode:  # its owner died while making it: nothing has ever run in it
                cgroups.cgroupfs.remove(record.cgroup_path)
            return
    except ForestallError:
        return
    eye = CgroupEye(cgroups, procfs, record.cgroup_path)
    ending = Termination(eye.members, eye.belongs, 2.0, boottime_seconds())
    while not ending.step(boottime_seconds(), float("inf"), 0.0).result:
        sleep(0.02)
    ending.close()
    remove_cgroup(cgroups.cgroupfs, record.cgroup_path)


def remove_cgroup(cgroupfs: Any, path: str) -> bool:
    """Remove a cgroup of ours and what is below it; whether it is gone. Zombies may keep it busy for a moment."""
    for _ in range(100):
        try:
            below = [found.path for found in cgroupfs.walk(path)]
            for one in sorted(below, key=len, reverse=True):
                cgroupfs.remove(one)
        except ForestallError:
            sleep(0.02)
            continue
        if not cgroupfs.exists(path):
            return True
    return not cgroupfs.exists(path)
