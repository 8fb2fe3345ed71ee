"""Full captures: cgroup files, pressure, the largest processes, and what the inspector reads of them."""

from __future__ import annotations

from forestall.act.capture import cgroup_pieces, top_piece
from forestall.agent.eyes import CgroupEye
from forestall.agent.inspector import Inspector
from forestall.collect.cgroup import CgroupCollector, printable_path
from forestall.collect.process import tree_of
from forestall.model.capture import Capture, Piece
from forestall.model.errors import ForestallError
from forestall.model.frame import Moment
from forestall.model.target import PROCESS, Target
from forestall.parse import procpid
from forestall.parse.text import printable
from forestall.system.procfs import Procfs

HOST_FILES = ("pressure/memory", "meminfo", "loadavg")


class Taker:
    """Takes full captures in the recorder; what cannot be had is left out, the rest is kept."""

    def __init__(self, procfs: Procfs, cgroups: CgroupCollector | None, inspector: Inspector, page_bytes: int) -> None:
        self._procfs = procfs
        self._cgroups = cgroups
        self._inspector = inspector
        self._page_bytes = page_bytes

    def take(self, target: Target, used_bytes: int, why: str, moment: Moment, name: str) -> Capture:
        """Return what is to be kept of a target now."""
        pieces: list[Piece] = []
        path = self._cgroup_path(target)
        if self._cgroups is not None and path is not None:
            pieces += cgroup_pieces(self._cgroups.cgroupfs, path)
        members = self._members(target, path)
        pieces.append(top_piece(self._procfs, members, self._page_bytes))
        pieces += [piece for file in HOST_FILES if (piece := self._file(file)) is not None]
        pieces += self._inspector.inspect(self._largest(members))
        at = moment
        return Capture(
            name, target, at.boottime_seconds, at.wall_seconds, why, used_bytes, minimal=False, pieces=tuple(pieces)
        )

    def _cgroup_path(self, target: Target) -> str | None:
        """Return the cgroup's own path: the target's is printable, the name in the kernel may hold any byte."""
        if self._cgroups is None or target.kind == PROCESS or not target.path:
            return None
        if self._cgroups.cgroupfs.exists(target.path):
            return target.path
        found = (here.path for here in self._cgroups.cgroupfs.walk() if printable_path(here.path) == target.path)
        return next(found, None)

    def _members(self, target: Target, path: str | None) -> list[int]:
        if target.kind == PROCESS:
            pid = int(target.identity.partition("@")[0])
            try:
                group = procpid.stat(self._procfs.read(f"{pid}/stat", 4096)).pgrp
            except ForestallError:
                return []
            return tree_of(self._procfs, group)
        if self._cgroups is None or path is None:
            return []
        return CgroupEye(self._cgroups, self._procfs, path).members()

    def _largest(self, pids: list[int]) -> list[int]:
        sizes = []
        for pid in pids[:1000]:
            try:
                statm = procpid.statm(self._procfs.read(f"{pid}/statm", 128), self._page_bytes)
            except ForestallError:
                continue
            sizes.append((statm.resident_bytes, pid))
        return [pid for _, pid in sorted(sizes, reverse=True)[:3]]

    def _file(self, name: str) -> Piece | None:
        try:
            raw = self._procfs.read(name, 8192)
        except ForestallError:
            return None
        return Piece(name, "\n".join(printable(line) for line in raw.rstrip(b"\n").split(b"\n")))
