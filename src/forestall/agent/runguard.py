"""The guard of one `forestall run`: it outlives its owner just long enough to leave nothing behind."""

from __future__ import annotations

import os
from typing import Any, Final

from forestall.act.terminate import Termination
from forestall.agent.eyes import CgroupEye, Eye, TreeEye
from forestall.agent.guard import Guard
from forestall.agent.lines import Inlet, Outlet
from forestall.agent.mission import Mission, Run
from forestall.agent.watch import Watch
from forestall.collect.tree import TreeCollector
from forestall.engine.tick import Ticked
from forestall.model.errors import ForestallError
from forestall.model.frame import Moment, Reading
from forestall.model.target import RUN, Target
from forestall.system.clock import sleep
from forestall.system.files import remove_tree

STORY_SECONDS: Final = 0.2
REMOVE_TRIES: Final = 50


class RunGuard:
    """Watches a run's cgroup (or process tree), tells its owner the story, and cleans up when the owner dies."""

    def __init__(self, guard: Guard, mission: Mission, run: Run) -> None:
        self._guard = guard
        self._mission = mission
        self._run = run
        self._control = Inlet(mission.control_fd)
        self._report = Outlet(mission.report_fd)
        self._story_at = float("-inf")
        self.orphaned = False
        self._eye = self._make_eye()
        now = guard.sources.clock.now().boottime_seconds
        self._identity = self._target().identity
        guard.watches[self._identity] = Watch(self._eye, guard.policies[0], now)
        guard.voice.story = self
        self._report.send(
            {"k": "ready", "pid": os.getpid(), "recorder": guard.voice.recorder.pid if guard.voice.recorder else 0}
        )

    @property
    def fd(self) -> int:
        """The descriptor that brings the owner's words."""
        return self._control.fd

    def _target(self) -> Target:
        cgroups = self._guard.sources.cgroups
        if self._run.cgroup_path and cgroups is not None:
            self._guard.gaze.begin()
            target = cgroups.target(self._run.cgroup_path)
            if target is not None:
                return target
        return Target(RUN, f"run:{self._run.id}", self._run.name, f"run {self._run.id}")

    def _make_eye(self) -> Eye:
        sources = self._guard.sources
        if self._run.cgroup_path and sources.cgroups is not None:
            return CgroupEye(sources.cgroups, sources.procfs, self._run.cgroup_path)
        target = Target(RUN, f"run:{self._run.id}", self._run.name, f"run {self._run.id}")
        tree = TreeCollector(sources.procfs, sources.page_bytes, self._mission.owner_pid, frozenset({os.getpid()}))
        return TreeEye(tree, sources.procfs, target, self._run.memory_bytes, self._mission.owner_pid)

    # -- the owner ---------------------------------------------------------------------------------------------

    def hear(self) -> None:
        """Take in what the owner says: "again" (another instance begins) or "bye"; its death is a silence for ever."""
        for message in self._control.receive():
            if message.get("k") == "again":
                self._guard.forget(self._identity)
            elif message.get("k") == "bye":
                self._guard.stopping = True
                return
        if self._control.ended:
            self.orphaned = True
            self._guard.stopping = True

    # -- telling.Story -----------------------------------------------------------------------------------------

    def tick(self, moment: Moment, readings: tuple[Reading, ...], ticked: Ticked) -> None:
        """Tell the owner how the target stands, a few times a second."""
        if moment.boottime_seconds - self._story_at < STORY_SECONDS:
            return
        for reading in readings:
            if reading.target.identity == self._identity:
                self._story_at = moment.boottime_seconds
                self._report.send(_stand(moment, reading, ticked))

    def tell(self, message: dict[str, Any]) -> None:
        """Pass on a finding, an outcome, or what the recorder said."""
        self._report.send(message)

    # -- the end -----------------------------------------------------------------------------------------------

    def end(self) -> None:
        """After the owner's death: stop what it left running, with the grace it asked for."""
        if not self.orphaned:
            return
        clock = self._guard.sources.clock
        grace = self._guard.policies[0].grace_seconds
        ending = Termination(self._eye.members, self._eye.belongs, grace, clock.now().boottime_seconds)
        while not ending.step(clock.now().boottime_seconds, float("inf"), 0.0).result:
            sleep(0.02)
        ending.close()

    def clean_up(self) -> None:
        """After the owner's death: remove the cgroup and the run's directory."""
        if not self.orphaned:
            return
        cgroups = self._guard.sources.cgroups
        for _ in range(REMOVE_TRIES):
            try:
                if self._run.cgroup_path and cgroups is not None:
                    cgroups.cgroupfs.remove(self._run.cgroup_path)
                break
            except ForestallError:
                sleep(0.05)
        remove_tree(self._mission.runtime_directory)


def _stand(moment: Moment, reading: Reading, ticked: Ticked) -> dict[str, Any]:
    trend = ticked.trends[reading.target.identity]
    return {
        "k": "stand",
        "at": moment.boottime_seconds,
        "used": reading.used_bytes,
        "limit": reading.limit_bytes,
        "growth": trend.growth_bytes_per_second,
        "left": trend.time_to_limit_seconds,
        "confidence": trend.confidence_ratio,
        "shape": trend.shape,
        "near_misses": reading.near_misses,
        "kills": reading.kills,
        "warnings": [finding.rule for finding in ticked.findings if finding.target == reading.target],
    }
