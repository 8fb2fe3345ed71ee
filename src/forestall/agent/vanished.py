"""Kills whose cgroup was gone before it could be read: systemd removes a unit's cgroup with its last process.

Without a reading no rule sees such a kill. The kernel log has named the cgroup, and its path says what it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from forestall.engine.watched import concerns
from forestall.model.finding import Finding
from forestall.model.frame import Frame
from forestall.model.kill import Kill
from forestall.model.target import Target, cgroup_identity
from forestall.parse import cgroupname
from forestall.rules.kill_seen import describe

UNKNOWN_INODE = 0


def killed_and_gone(frame: Frame, since_boottime_seconds: float, known: Iterable[Target]) -> tuple[Finding, ...]:
    """Return a finding for each cgroup in which the frame's kills concern none of its readings.

    Kills before `since_boottime_seconds` are left out: nobody looked then, and they are history. `known` are targets
    of earlier frames: one at the same path is the one that died.
    """
    gone: dict[str, list[Kill]] = {}
    for kill in frame.kills:
        if kill.victim_path is None or kill.at_boottime_seconds < since_boottime_seconds:
            continue
        if not any(concerns(kill, reading.target) for reading in frame.readings):
            gone.setdefault(kill.victim_path, []).append(kill)
    if not gone:
        return ()
    targets = {target.path: target for target in known}
    return tuple(
        describe(targets.get(path) or _target(path), kills[-1], len(kills), kills[0].at_boottime_seconds)
        for path, kills in gone.items()
    )


def _target(path: str) -> Target:
    named = cgroupname.name(path)
    return Target(named.kind, cgroup_identity(path, UNKNOWN_INODE), named.name, path)
