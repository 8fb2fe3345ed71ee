"""Which targets the policies mean: the memory hierarchy is walked when a cgroup comes or goes, not by the clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from forestall.agent.eyes import CgroupEye
from forestall.agent.watch import Watch
from forestall.collect.cgroup import CgroupCollector
from forestall.config.match import Matcher
from forestall.model.errors import ForestallError
from forestall.model.policy import Policy
from forestall.model.target import HOST, RUN
from forestall.system.inotify import DirectoryEvents
from forestall.system.procfs import Procfs

WALK_SECONDS: Final = 60.0
"""A walk by the clock all the same: events may be lost when very many come at once."""


class Discovery:
    """Keeps the list of watches in step with the cgroups that exist. `fd` is readable when that may have changed."""

    def __init__(self, collector: CgroupCollector, procfs: Procfs, policies: tuple[Policy, ...]) -> None:
        self._collector = collector
        self._procfs = procfs
        self._matcher = Matcher(policies)
        self._needed = any(policy.match != HOST for policy in policies)
        self._events: DirectoryEvents | None = None
        self._walk_due = float("-inf")
        if self._needed:
            try:
                self._events = DirectoryEvents()
            except ForestallError:
                self._events = None

    @property
    def fd(self) -> int | None:
        """The descriptor to poll for cgroups that come and go."""
        return None if self._events is None else self._events.fd

    def changed(self) -> None:
        """Something came or went: walk at the next look."""
        if self._events is not None and self._events.clear():
            self._walk_due = float("-inf")

    def due(self) -> float | None:
        """When the next walk is due, None when no policy needs one."""
        return self._walk_due if self._needed else None

    def refresh(self, watches: dict[str, Watch], now_seconds: float) -> None:
        """Walk if a walk is due, and add and drop watches (by target identity). Call between `begin` and looks."""
        if not self._needed or now_seconds < self._walk_due:
            return
        self._walk_due = now_seconds + WALK_SECONDS
        found = {here.path for here in self._collector.cgroupfs.walk()}
        if self._events is not None:
            point = self._collector.cgroupfs.point
            self._events.watch({point + (path if path != "/" else "") for path in found})
        wanted = self._wanted(found)
        for identity in watches.keys() - wanted.keys():
            watches.pop(identity).close()
        spared = self._spared(found)
        for identity, (path, policy) in wanted.items():
            if identity not in watches:
                inode = int(identity.rpartition("#")[2])
                watches[identity] = Watch(CgroupEye(self._collector, self._procfs, path, inode), policy, now_seconds)
            eye = watches[identity].eye
            if isinstance(eye, CgroupEye):
                eye.spared = frozenset(other for other in spared if other.startswith(path + "/"))
        self._collector.forget_all_but(_with_ancestors(path for path, _ in wanted.values()))

    def _wanted(self, paths: set[str]) -> dict[str, tuple[str, Policy]]:
        wanted = {}
        for path in paths - {"/"}:
            target = self._collector.target(path)
            if target is None or target.kind == RUN:  # a run has a guard of its own
                continue
            policy = self._matcher.policy_for(target)
            if policy is not None and policy.steps:
                wanted[target.identity] = (path, policy)
        return wanted

    def _spared(self, paths: set[str]) -> list[str]:
        """Return the cgroups that no stop of a cgroup above them may reach: protected ones, and dry runs."""
        spared = []
        for path in paths - {"/"}:
            target = self._collector.target(path)
            policy = None if target is None else self._matcher.policy_for(target)
            if policy is not None and (policy.protect or policy.dry_run):
                spared.append(path)
        return spared

    def close(self) -> None:
        """Let the events go."""
        if self._events is not None:
            self._events.close()


def _with_ancestors(paths: Iterable[str]) -> set[str]:
    kept: set[str] = set()
    for path in paths:
        here = path
        while here not in ("", "/"):
            kept.add(here)
            here = here.rpartition("/")[0]
    return kept
