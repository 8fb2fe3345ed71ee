"""Everything that is remembered of one target between ticks, and how a new reading goes into it."""

from __future__ import annotations

from typing import Final

from forestall.analyse import trend as trends
from forestall.analyse.latch import Latch
from forestall.engine.conditions import Since
from forestall.engine.tally import Tally
from forestall.model.frame import Reading
from forestall.model.kill import FROM_KERNEL_LOG, Kill
from forestall.model.policy import Policy
from forestall.model.series import Series
from forestall.model.target import HOST, PROCESS, Target
from forestall.model.trend import NO_TREND, Trend

GROWTH_SECONDS: Final = 60.0
RECENT_GROWTH_SECONDS: Final = 10.0
TREND_SECONDS: Final = 1.0
"""A trend is judged anew at most this often: it costs a hundred times what a sample does."""

GAP_INTERVALS: Final = 3.0
GAP_SECONDS_MIN: Final = 30.0
"""Three times the longest pace of a guard: a late look is not yet a gap."""

KILL_SECONDS: Final = 300.0
KILLS_REMEMBERED_MAX: Final = 32


class History:
    """One number over time with its trend: a target's use, or that of a level that several targets share."""

    __slots__ = ("series", "trend", "_judged_at")

    def __init__(self) -> None:
        self.series = Series()
        self.trend = NO_TREND
        self._judged_at = float("-inf")

    def begin_again(self) -> None:
        """Forget the past: no slope reaches over a restart or a gap."""
        self.series.begin_again()
        self.trend = NO_TREND
        self._judged_at = float("-inf")

    def is_gap(self, now: float, interval_seconds: float) -> bool:
        """Whether the last sample lies more than three intended intervals back."""
        return now - self.series.last_time > max(GAP_INTERVALS * interval_seconds, GAP_SECONDS_MIN)

    def take(self, value: float, limit: float, now: float) -> None:
        """Append a sample and judge the trend if the last judgement is old enough."""
        self.series.append(now, value)
        if now - self._judged_at >= TREND_SECONDS:
            self.trend = trends.judge(self.series, limit, now)
            self._judged_at = now


class StepMemory:
    """What is remembered of one step: its `for` clocks, whether it has fired, since when it may be armed again."""

    __slots__ = ("since", "held_since", "fired", "clear_since", "put_off_until", "withheld")

    def __init__(self) -> None:
        self.since: Since = {}
        self.held_since: float | None = None
        self.fired = False
        self.clear_since: float | None = None
        self.put_off_until: float | None = None
        self.withheld = False

    def break_off(self) -> None:
        """A gap: `for` begins again; what has fired has fired."""
        self.since.clear()
        self.held_since = None


class Watched:
    """One target's past."""

    __slots__ = (
        "reading",
        "history",
        "seen_at",
        "latches",
        "kills_counted",
        "kills_told",
        "last_kill",
        "near_misses",
        "policy",
        "steps",
        "_kills_known",
    )

    def __init__(self, rules: int) -> None:
        self.reading: Reading | None = None
        self.history = History()
        self.seen_at = float("-inf")
        self.latches = [{"warning": Latch(), "critical": Latch()} for _ in range(rules)]
        self.kills_counted = Tally()
        self.kills_told = Tally()
        self.last_kill: Kill | None = None
        self.near_misses = Tally()
        self.policy: Policy | None = None
        self.steps: list[StepMemory] = []
        self._kills_known: list[tuple[float, int | None]] = []

    def take(self, reading: Reading, kills: tuple[Kill, ...], now: float, interval_seconds: float) -> None:
        """Take in one reading; a restart, a kill inside the target or a gap begins its series anew."""
        before = self.reading
        restarted = before is not None and before.start_seconds != reading.start_seconds
        killed = self._take_kills(reading, kills, now)
        gap = self.history.is_gap(now, interval_seconds)
        if restarted or gap or (killed and reading.target.kind != HOST):
            self.history.begin_again()
        if gap:
            self._break_off()
        self.near_misses.read(reading.near_misses, now)
        self.reading = reading
        self.seen_at = now
        self.history.take(reading.held_bytes, reading.limit_bytes, now)

    def ladder(self, policy: Policy) -> list[StepMemory]:
        """The memory of the policy's steps; a policy that was changed begins with all of them armed."""
        if policy is not self.policy and policy != self.policy:
            self.steps = [StepMemory() for _ in policy.steps]
        self.policy = policy
        return self.steps

    def kill_count(self, now: float) -> int:
        """Kills of the last five minutes; log and counter tell of the same ones, so the larger number counts."""
        return max(self.kills_counted.within(KILL_SECONDS, now), self.kills_told.within(KILL_SECONDS, now))

    @property
    def killed_at(self) -> float | None:
        """When the newest kill was seen, boottime seconds."""
        times = [tally.newest for tally in (self.kills_counted, self.kills_told) if tally.newest is not None]
        return max(times) if times else None

    def _take_kills(self, reading: Reading, kills: tuple[Kill, ...], now: float) -> bool:
        rise = self.kills_counted.read(reading.kills, now)
        told = False
        for kill in kills:
            key = (kill.at_boottime_seconds, kill.pid)
            if key in self._kills_known or not concerns(kill, reading.target):
                continue
            self._kills_known = [*self._kills_known[1 - KILLS_REMEMBERED_MAX :], key]
            self.kills_told.add(1, kill.at_boottime_seconds)
            self.last_kill = kill
            told = True
        return told or rise > 0

    def _break_off(self) -> None:
        self.latches = [{"warning": Latch(), "critical": Latch()} for _ in self.latches]
        for step in self.steps:
            step.break_off()


def concerns(kill: Kill, target: Target) -> bool:
    """Whether the kill happened in the target: the victim's or the limit's cgroup is the target's or below it.

    The host is concerned by kills for its own lack of memory, a process tree by the death of its leader.
    """
    if target.kind == HOST:
        return kill.source == FROM_KERNEL_LOG and kill.limit_path is None
    if target.kind == PROCESS or not target.path:
        return kill.pid is not None and target.identity.startswith(f"{kill.pid}@")
    return any(
        path is not None and (path == target.path or path.startswith(target.path.rstrip("/") + "/"))
        for path in (kill.victim_path, kill.limit_path)
    )


def shared(own: Trend, level: Trend) -> Trend:
    """A target's trend where the limit is shared: its own growth, and the time that is left to the level it shares.

    A busy sibling eats the same headroom: whichever forecast is confident and sooner stands.
    """
    if level.time_to_limit_seconds is None or level.confidence_ratio < own.confidence_ratio:
        return own
    if own.time_to_limit_seconds is not None and own.time_to_limit_seconds <= level.time_to_limit_seconds:
        return own
    return level._replace(growth_bytes_per_second=own.growth_bytes_per_second, shape=own.shape)
