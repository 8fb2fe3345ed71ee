"""One tick: a frame goes in, what the rules and the policies' steps see in it comes out.

`step` changes the State it is given and nothing else; the same states, frames and policies always give the same
findings. The guard, the recorder, a replay and every test call the same function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from forestall.engine import ladder
from forestall.engine.conditions import Facts
from forestall.engine.host import host_reading
from forestall.engine.watched import GROWTH_SECONDS, RECENT_GROWTH_SECONDS, History, Watched, shared
from forestall.model.finding import Finding
from forestall.model.frame import Frame, Moment, Reading
from forestall.model.policy import Policy
from forestall.model.target import HOST, Target
from forestall.model.trend import Trend
from forestall.rules import Rule, View, cgroup_near_limit, host_low, kill_seen, pressure_stall, time_to_limit

RULES: Final[tuple[Rule, ...]] = (
    host_low.PLUGIN,
    cgroup_near_limit.PLUGIN,
    time_to_limit.PLUGIN,
    pressure_stall.PLUGIN,
    kill_seen.PLUGIN,
)

FORGET_SECONDS: Final = 600.0
"""A target that has not been read for this long is forgotten."""

FASTEST_RATIO: Final = 0.5
"""Share of the growth below a shared limit from which a target counts as the fastest grower there."""

FRESH_SECONDS: Final = 30.0
"""A service that was not read for longer than this is not taken as the host's victim."""

INTERVAL_SECONDS: Final = 10.0


class Ticked(NamedTuple):
    """What one tick saw: the rules' findings that hold now, the steps that fire now, and the trends by identity.

    A rule's finding is repeated while it holds, with the same `since_boottime_seconds`; a step's is given once.
    """

    findings: tuple[Finding, ...]
    trends: dict[str, Trend]


class State:
    """All that is remembered between ticks, of targets by identity and of shared levels by path."""

    __slots__ = ("rules", "targets", "levels", "_swept_at")

    def __init__(self, rules: Sequence[Rule] = RULES) -> None:
        self.rules = tuple(rules)
        self.targets: dict[str, Watched] = {}
        self.levels: dict[str, History] = {}
        self._swept_at = float("-inf")

    def forget(self, identity: str) -> None:
        """Begin a target anew, as after a restart: its series, its latches, and every step armed."""
        self.targets.pop(identity, None)

    def put_off(self, identity: str, step: int, until_boottime_seconds: float, policy: str = "") -> None:
        """A fired step was refused: it fires again at that time if its condition holds then.

        `policy` is the match text of the step's policy, needed where a step of the host's policy hit its victim.
        """
        watched = self.targets.get(identity)
        if policy and (watched is None or watched.policy is None or watched.policy.match != policy):
            owners = [one for one in self.targets.values() if one.policy is not None and one.policy.match == policy]
            watched = owners[0] if owners else None
        if watched is not None and 0 <= step < len(watched.steps):
            watched.steps[step].put_off_until = until_boottime_seconds

    def sweep(self, now: float) -> None:
        """Drop what has not been read for ten minutes; looks at most once a minute."""
        if now - self._swept_at < 60.0:
            return
        self._swept_at = now
        for identity in [key for key, watched in self.targets.items() if now - watched.seen_at > FORGET_SECONDS]:
            del self.targets[identity]
        stale = [path for path, level in self.levels.items() if now - level.series.last_time > FORGET_SECONDS]
        for path in stale:
            del self.levels[path]


def step(
    state: State,
    frame: Frame,
    policies: Mapping[str, Policy],
    *,
    interval_seconds: float = INTERVAL_SECONDS,
) -> Ticked:
    """Take in a frame: findings of the rules for every target, and the policies' steps that fire.

    `policies` by target identity. `interval_seconds` is the pace that the caller intended: a silence of more than
    three of them (and more than 30 s) breaks a series.
    """
    readings = frame.readings
    if not any(reading.target.kind == HOST for reading in readings):
        readings = (host_reading(frame.host, frame.moment), *readings)
    for reading in readings:
        _take(state, reading, frame, interval_seconds)
    findings: list[Finding] = []
    trends: dict[str, Trend] = {}
    for reading in readings:
        identity = reading.target.identity
        trend = trends[identity] = _trend(state, reading)
        fastest = grows_fastest(state, reading)
        findings += _ruled(state, reading, trend, frame, fastest)
        policy = policies.get(identity)
        if policy is not None and policy.steps:
            findings += _stepped(state, reading, trend, policies, frame.moment, fastest)
    state.sweep(frame.moment.boottime_seconds)
    return Ticked(tuple(findings), trends)


def grows_fastest(state: State, reading: Reading) -> bool:
    """Whether the limit is the target's own, or the target makes up most of the growth at the level that it shares.

    Both are measured over the last ten seconds; as long as either is unknown the answer is no.
    """
    if reading.limit_own:
        return True
    watched = state.targets.get(reading.target.identity)
    level = state.levels.get(reading.limit_level)
    if watched is None or level is None:
        return False
    own_growth = watched.history.series.growth(RECENT_GROWTH_SECONDS)
    level_growth = level.series.growth(RECENT_GROWTH_SECONDS)
    if own_growth is None or level_growth is None:
        return False
    return own_growth > 0.0 and own_growth >= FASTEST_RATIO * level_growth


def _take(state: State, reading: Reading, frame: Frame, interval_seconds: float) -> None:
    """Remember the reading, and the use of the level that it shares with others."""
    now = frame.moment.boottime_seconds
    watched = state.targets.get(reading.target.identity)
    if watched is None:
        watched = state.targets[reading.target.identity] = Watched(len(state.rules))
    watched.take(reading, frame.kills, now, interval_seconds)
    if reading.limit_own:
        return
    level = state.levels.get(reading.limit_level)
    if level is None:
        level = state.levels[reading.limit_level] = History()
    if level.is_gap(now, interval_seconds):
        level.begin_again()
    level.take(reading.level_used_bytes, reading.level_used_bytes + reading.headroom_bytes, now)


def _trend(state: State, reading: Reading) -> Trend:
    own = state.targets[reading.target.identity].history.trend
    return own if reading.limit_own else shared(own, state.levels[reading.limit_level].trend)


def _ruled(state: State, reading: Reading, trend: Trend, frame: Frame, fastest: bool) -> list[Finding]:
    """What the rules find in one target."""
    watched = state.targets[reading.target.identity]
    view = View(
        reading=reading,
        host=frame.host,
        trend=trend,
        moment=frame.moment,
        kill_count=watched.kill_count(frame.moment.boottime_seconds),
        killed_boottime_seconds=watched.killed_at,
        kill=watched.last_kill,
        grows_fastest=fastest,
    )
    found = [rule.check(view, latches) for rule, latches in zip(state.rules, watched.latches, strict=True)]
    return [finding for finding in found if finding is not None]


def _stepped(
    state: State, reading: Reading, trend: Trend, policies: Mapping[str, Policy], moment: Moment, fastest: bool
) -> list[Finding]:
    """Which steps of the target's policy fire; on the host they hit the fastest-growing victim."""
    watched = state.targets[reading.target.identity]
    policy = policies[reading.target.identity]
    growth = watched.history.series.growth(GROWTH_SECONDS)
    facts = Facts(
        reading=reading,
        trend=trend,
        growth_bytes_per_second=None if growth is None else growth / GROWTH_SECONDS,
        rate_bytes_per_second=watched.history.series.growth(1.0),
        kills=(watched.kills_counted, watched.kills_told),
        near_misses=None if reading.near_misses is None else watched.near_misses,
        now=moment.boottime_seconds,
    )
    if reading.target.kind == HOST:
        victim = _fastest_victim(state, policies, moment.boottime_seconds)
        why_not = "no service with victim = true grows"
    else:
        victim = reading.target if fastest else None
        why_not = f"its limit is that of {reading.limit_level}, and others grow faster there"
    return list(ladder.climb(policy, watched.ladder(policy), facts, victim, why_not))


def _fastest_victim(state: State, policies: Mapping[str, Policy], now: float) -> Target | None:
    """The service that may be stopped for the host's sake and grew most in ten seconds."""
    fastest: Target | None = None
    most = 0.0
    for identity, policy in policies.items():
        watched = state.targets.get(identity)
        if not policy.victim or policy.protect or watched is None or watched.reading is None:
            continue
        growth = watched.history.series.growth(RECENT_GROWTH_SECONDS)
        if watched.reading.target.kind == HOST or now - watched.seen_at > FRESH_SECONDS or growth is None:
            continue
        if growth > most:
            most, fastest = growth, watched.reading.target
    return fastest
