"""One target of a policy between looks: when to look next, how fast it grows, which wake-ups cover it."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Final

from forestall.agent.eyes import Eye
from forestall.engine import pace
from forestall.model.errors import ForestallError
from forestall.model.frame import Reading
from forestall.model.policy import Policy
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.thresholds import UsageThresholds

RATE_WINDOW_SECONDS: Final = 0.25
RATE_WINDOW_SECONDS_MIN: Final = 0.004
RECENT_SECONDS: Final = 0.06
STEADY_RATIO: Final = 0.01
ACTING_LOOK_SECONDS: Final = 0.02
YOUNG_RATIO: Final = 0.25
"""A cgroup is made first and limited later: until then a quarter of its age is the longest sleep."""
REST_BYTES_PER_SECOND: Final = 4 * 2**30
"""Faster than one process can take memory: what is further away than this times the rest cannot have been reached."""
REST_SECONDS_MIN: Final = 0.002
REST_SECONDS_MAX: Final = 0.1
LEVEL_EVERY_RATIO: Final = 0.05


class Watch:
    """One target with its policy. All times CLOCK_BOOTTIME seconds, sizes bytes."""

    def __init__(self, eye: Eye, policy: Policy, now_seconds: float) -> None:
        self.eye = eye
        self.policy = policy
        self.due = now_seconds
        self.interval_seconds = 0.0
        self.reading: Reading | None = None
        self.thresholds: UsageThresholds | None = None
        self.covered = False
        self._thresholds_limit: int | None = None
        self._recent: deque[tuple[float, int]] = deque(maxlen=32)
        self._born = now_seconds
        self._steady_at = now_seconds
        self._steady_used = 0

    def see(self, reading: Reading, now_seconds: float) -> None:
        """Take in one look."""
        self.reading = reading
        self._recent.append((now_seconds, reading.used_bytes))
        while len(self._recent) > 2 and now_seconds - self._recent[1][0] > RATE_WINDOW_SECONDS:
            self._recent.popleft()
        if abs(reading.used_bytes - self._steady_used) > STEADY_RATIO * max(reading.limit_bytes, 1):
            self._steady_used = reading.used_bytes
            self._steady_at = now_seconds

    def begin_again(self) -> None:
        """Forget the past: another instance has begun."""
        self._recent.clear()

    @property
    def seen_at(self) -> float:
        """When it was last looked at; minus infinity before the first look."""
        return self._recent[-1][0] if self._recent else float("-inf")

    @property
    def rest_seconds(self) -> float:
        """Shortest time between two looks: page cache at the limit crosses its levels hundreds of times a second."""
        if self.reading is None:
            return 0.0
        distance = pace.nearest_level_bytes(self.policy, self.reading)
        return min(max(distance / REST_BYTES_PER_SECOND, REST_SECONDS_MIN), REST_SECONDS_MAX)

    @property
    def rate_bytes_per_second(self) -> float:
        """How fast use grew over the last quarter of a second; 0 when it fell or is not known."""
        if len(self._recent) < 2:
            return 0.0
        (began, before), (now, after) = self._recent[0], self._recent[-1]
        if now - began < RATE_WINDOW_SECONDS_MIN:
            return 0.0
        return max(0.0, (after - before) / (now - began))

    @property
    def recent_bytes_per_second(self) -> float:
        """Growth over the looks of the last 60 ms and the one before them; 0 when it fell or is not known."""
        if len(self._recent) < 2:
            return 0.0
        now, after = self._recent[-1]
        began, before = next(
            (past for past in reversed(self._recent) if now - past[0] >= RECENT_SECONDS), self._recent[0]
        )
        return max(0.0, (after - before) / (now - began)) if now - began >= RATE_WINDOW_SECONDS_MIN else 0.0

    @property
    def burst_bytes_per_second(self) -> float:
        """The fastest growth that the last looks allow: over the quarter of a second, or since the look before."""
        fastest = self.rate_bytes_per_second
        if len(self._recent) >= 2:
            (began, before), (now, after) = self._recent[-2], self._recent[-1]
            if now - began >= RATE_WINDOW_SECONDS_MIN:
                fastest = max(fastest, (after - before) / (now - began))
        return fastest

    def plan(self, now_seconds: float, *, acting: bool) -> None:
        """Say when to look next."""
        reading = self.reading
        if reading is None:
            self.due = now_seconds + 1.0
            return
        self.interval_seconds = pace.next_look_seconds(
            distance_bytes=pace.nearest_level_bytes(self.policy, reading),
            rate_bytes_per_second=self.burst_bytes_per_second,
            covered=self.covered and reading.limit_own,
            steady_for_seconds=now_seconds - self._steady_at,
            reclaimable_bytes=max(0, reading.usage_bytes + reading.swap_bytes - reading.used_bytes),
        )
        young = max(ACTING_LOOK_SECONDS, (now_seconds - self._born) * YOUNG_RATIO)
        self.interval_seconds = min(self.interval_seconds, young)
        if acting:
            self.interval_seconds = min(self.interval_seconds, ACTING_LOOK_SECONDS)
        self.due = now_seconds + self.interval_seconds

    def thresholds_wanted(self, cgroupfs: Cgroupfs, path: str) -> UsageThresholds | None:
        """Return thresholds for the limit as it is now, to be registered (v1 only); None when those there fit."""
        reading = self.reading
        if reading is None or reading.own_limit_bytes is None or cgroupfs.version != 1:
            return None
        if reading.own_limit_bytes == self._thresholds_limit:
            return None
        self.uncover()
        limit = reading.own_limit_bytes
        self._thresholds_limit = limit
        levels = {int(limit * LEVEL_EVERY_RATIO * step) for step in range(1, 20)}
        levels.update(pace.levels_bytes(self.policy, limit))
        with suppress(ForestallError):  # descriptors are short: it is looked at by the clock, as without wake-ups
            self.thresholds = UsageThresholds(cgroupfs, path, levels)
        return self.thresholds

    def uncover(self) -> None:
        """Take the thresholds back."""
        if self.thresholds is not None:
            self.thresholds.close()
        self.thresholds = None
        self.covered = False

    def close(self) -> None:
        """Let go of everything."""
        self.uncover()
