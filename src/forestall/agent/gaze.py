"""Where the guard looks and when: its watches, the host, and the wake-ups that shorten its sleep."""

from __future__ import annotations

from collections.abc import Container

from forestall.agent.covering import Covering
from forestall.agent.discovery import Discovery
from forestall.agent.eyes import CgroupEye
from forestall.agent.mission import Kin
from forestall.agent.watch import Watch
from forestall.analyse.headroom import host_level
from forestall.collect.cgroup import CgroupCollector
from forestall.collect.host import HostCollector
from forestall.engine import pace
from forestall.engine.host import host_reading
from forestall.model.frame import Frame, Reading
from forestall.model.policy import Policy
from forestall.system.clock import Clock
from forestall.system.procfs import Procfs


class Sources:
    """What the guard reads from: made once, handed in, so that a test may hand in others."""

    def __init__(
        self, procfs: Procfs, cgroups: CgroupCollector | None, page_bytes: int, kin: tuple[Kin, ...] = ()
    ) -> None:
        self.procfs = procfs
        self.cgroups = cgroups
        self.page_bytes = page_bytes
        self.kin = kin
        self.host = HostCollector(procfs)
        self.clock = Clock()


class Gaze:
    """The guard's eyes. `moment` and `host` are of the last look; all times CLOCK_BOOTTIME seconds."""

    def __init__(self, sources: Sources, discovery: Discovery | None, host_policy: Policy | None) -> None:
        self.sources = sources
        self.watches: dict[str, Watch] = {}
        self.moment = sources.clock.now()
        self.host = sources.host.collect()
        self._discovery = discovery
        self._covering = Covering()
        self._host_policy = host_policy
        self._host_due = float("inf") if host_policy is None else self.moment.boottime_seconds
        self._host_seen: tuple[float, int] | None = None

    # -- waking ------------------------------------------------------------------------------------------------

    @property
    def fds(self) -> set[int]:
        """The descriptors to poll: thresholds crossed, cgroups that come and go, wake-ups that have been set up."""
        found = {watch.thresholds.fd for watch in self.watches.values() if watch.thresholds is not None}
        for fd in (None if self._discovery is None else self._discovery.fd, self._covering.fd):
            if fd is not None:
                found.add(fd)
        return found

    def woken(self, fds: Container[int]) -> None:
        """Take in which of them are readable."""
        now = self.sources.clock.now().boottime_seconds
        for watch in self.watches.values():
            if watch.thresholds is not None and watch.thresholds.fd in fds:
                watch.thresholds.clear()
                watch.due = min(watch.due, max(now, watch.seen_at + watch.rest_seconds))
        if self._discovery is not None and self._discovery.fd is not None and self._discovery.fd in fds:
            self._discovery.changed()
        if self._covering.fd is not None and self._covering.fd in fds:
            registered = self._covering.finished()
            for watch in self.watches.values():
                watch.covered = watch.covered or watch.thresholds in registered

    def due(self) -> float:
        """When the next look is due."""
        walk = None if self._discovery is None else self._discovery.due()
        dues = [watch.due for watch in self.watches.values()]
        return min([*dues, self._host_due, float("inf") if walk is None else walk])

    # -- looking -----------------------------------------------------------------------------------------------

    def look(self) -> Frame | None:
        """Read what is due and return it as a frame, None when nothing is."""
        self.moment = self.sources.clock.now()
        now = self.moment.boottime_seconds
        if self.due() > now:
            return None
        self.begin()
        if self._discovery is not None:
            self._discovery.refresh(self.watches, now)
        due = [watch for watch in self.watches.values() if watch.due <= now]
        return Frame(self.moment, self.host, tuple(reading for watch in due if (reading := self._glance(watch))))

    def begin(self) -> None:
        """Read the host, so that targets can be read against it."""
        self.host = self.sources.host.glance()
        if self.sources.cgroups is not None:
            self.sources.cgroups.begin(host_level(self.host))

    def _glance(self, watch: Watch) -> Reading | None:
        """Read one target; one that is gone is dropped."""
        if not self._see(watch):
            self._drop(watch)
            return None
        if isinstance(watch.eye, CgroupEye) and self.sources.cgroups is not None:
            wanted = watch.thresholds_wanted(self.sources.cgroups.cgroupfs, watch.eye.path)
            if wanted is not None:
                self._covering.ask(wanted)
        return watch.reading

    def read_again(self, watch: Watch) -> bool:
        """Read one target now, host included; False when it is gone."""
        self.begin()
        return self._see(watch)

    def _see(self, watch: Watch) -> bool:
        now, before = self.moment.boottime_seconds, watch.reading
        reading = watch.eye.glance(host_level(self.host), now)
        if reading is None or (before is not None and before.target.identity != reading.target.identity):
            return False
        watch.see(reading, now)
        return True

    def _drop(self, watch: Watch) -> None:
        """Forget a target that is gone; who acts on it still holds the watch."""
        for identity in [key for key, one in self.watches.items() if one is watch]:
            del self.watches[identity]
        watch.close()

    def plan(self, frame: Frame, acting: Container[str]) -> None:
        """Say when to look next at what the frame holds; targets that are acted upon are looked at most often."""
        for reading in frame.readings:
            watch = self.watches.get(reading.target.identity)
            if watch is not None:
                watch.plan(self.moment.boottime_seconds, acting=reading.target.identity in acting)
        if self._host_policy is not None:
            self._plan_host(self._host_policy)

    def _plan_host(self, policy: Policy) -> None:
        now = self.moment.boottime_seconds
        reading = host_reading(self.host, self.moment)
        seen_at, before = self._host_seen or (now, reading.used_bytes)
        self._host_seen = (now, reading.used_bytes)
        rate = max(0.0, (reading.used_bytes - before) / (now - seen_at)) if now > seen_at else 0.0
        self._host_due = now + pace.host_look_seconds(pace.nearest_level_bytes(policy, reading), rate)

    def close(self) -> None:
        """Let all watches and wake-ups go."""
        self._covering.close()
        for watch in self.watches.values():
            watch.close()
        if self._discovery is not None:
            self._discovery.close()
