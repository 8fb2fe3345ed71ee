"""The end of a run: whatever the command left running is ended, and evidence of old runs is forgotten."""

from __future__ import annotations

import os
from typing import Final

from forestall.act.terminate import Termination
from forestall.agent.eyes import CgroupEye
from forestall.collect.tree import TreeCollector
from forestall.model.errors import Absent
from forestall.operations.enclosure import Enclosure
from forestall.system.clock import boottime_seconds, sleep
from forestall.system.files import list_directory, remove_tree
from forestall.system.process import reap_orphans
from forestall.system.procfs import Procfs

RUNS_KEPT: Final = 20
GRACE_SECONDS: Final = 2.0


def end_members(enclosure: Enclosure | None) -> None:
    """End whatever the command left running, in its cgroup or else among our descendants: TERM, two seconds, KILL."""
    if enclosure is None:
        left: CgroupEye | TreeCollector = TreeCollector(Procfs(), 1, os.getpid(), frozenset())
    else:
        left = CgroupEye(enclosure.cgroups, Procfs(), enclosure.path)
    ending = Termination(left.members, left.belongs, GRACE_SECONDS, boottime_seconds())
    while not ending.step(boottime_seconds(), float("inf"), 0.0).result:
        reap_orphans()
        sleep(0.02)
    ending.close()


def forget_old_runs(directory: str) -> None:
    """Keep the evidence of the newest RUNS_KEPT runs below `directory`, remove older ones."""
    try:
        names = sorted(list_directory(directory), key=lambda name: int(name.rpartition("-")[2] or 0))
    except (Absent, ValueError):
        return
    for name in names[:-RUNS_KEPT]:
        remove_tree(f"{directory}/{name}")
