"""When the guard looks next at a target: soon enough that nothing it must see can be missed, and no sooner.

The rule is the design's guard clock: the distance to the nearest level divided by four times the observed rate, but at
least by a rate that one core can fault in, and between 20 ms and 10 s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from forestall.model.condition import RATIO_OF_LIMIT, All, Comparison, Condition, Either
from forestall.model.finding import Finding
from forestall.model.frame import Reading
from forestall.model.policy import Policy

LOOK_SECONDS_MIN: Final = 0.020
LOOK_SECONDS_MAX: Final = 10.0
RATE_FACTOR: Final = 4.0
TARGET_RATE_FLOOR: Final = 200 * 2**20
"""Bytes per second that a calm target must be expected to take from one look to the next."""
HOST_RATE_FLOOR: Final = 2**30
COVERED_SECONDS: Final = 1.0
STEADY_UNCOVERED_SECONDS: Final = 0.100
STEADY_SECONDS: Final = 60.0
"""A target is steady when it has stayed within 1 % for this long."""

GRACE_MARGIN_SECONDS: Final = 0.25
"""What a KILL takes from the decision until the memory is free again."""

TIME_LEFT: Final = "time to limit"
TIME_LEFT_NOW: Final = "time left at the present rate"
TIMES_LEFT: Final = frozenset({TIME_LEFT, TIME_LEFT_NOW})
"""Names of the numbers in a step's evidence that say how long it is until the limit, in seconds."""


def next_look_seconds(
    distance_bytes: float,
    rate_bytes_per_second: float,
    *,
    covered: bool,
    steady_for_seconds: float,
    reclaimable_bytes: float,
) -> float:
    """Seconds until the next look at a target with a policy.

    `distance_bytes` to its nearest level, `rate_bytes_per_second` as last observed; `covered`: kernel thresholds wake
    the guard at every level. They count page cache, so they are trusted only while there is less of it
    (`reclaimable_bytes`) than distance.
    """
    look = _look(distance_bytes, rate_bytes_per_second, TARGET_RATE_FLOOR)
    steady = steady_for_seconds >= STEADY_SECONDS
    if covered and reclaimable_bytes < distance_bytes:
        return max(look, LOOK_SECONDS_MAX if steady else COVERED_SECONDS)
    return max(look, STEADY_UNCOVERED_SECONDS) if steady else look


def host_look_seconds(distance_bytes: float, rate_bytes_per_second: float) -> float:
    """Seconds until the next look at the host for a policy on it: many cores can fault in memory at once."""
    return _look(distance_bytes, rate_bytes_per_second, HOST_RATE_FLOOR)


def _look(distance_bytes: float, rate_bytes_per_second: float, floor: float) -> float:
    seconds = distance_bytes / max(RATE_FACTOR * rate_bytes_per_second, floor)
    return min(max(seconds, LOOK_SECONDS_MIN), LOOK_SECONDS_MAX)


def grace_seconds(configured_seconds: float, finding: Finding) -> float:
    """How long a stop may wait after its TERM: the configured grace, or what is left until the limit, less a margin.

    The time left is the least that the finding's evidence tells; 0 means that only a KILL is still in time.
    """
    left = min((number.value for number in finding.evidence if number.name in TIMES_LEFT), default=math.inf)
    return max(0.0, min(configured_seconds, left - GRACE_MARGIN_SECONDS))


def levels_bytes(policy: Policy, limit_bytes: float) -> tuple[int, ...]:
    """Every amount of use, ascending, at which a condition of the policy may turn, for a limit of `limit_bytes`.

    A policy that names none has the limit itself as its level.
    """
    levels = set()
    for step in policy.steps:
        for comparison in _comparisons(step.when):
            level = comparison.value * (limit_bytes if comparison.unit == RATIO_OF_LIMIT else 1.0)
            if comparison.metric == "headroom":
                level = limit_bytes - level
            elif comparison.metric != "used":
                continue
            if 0.0 < level <= limit_bytes:
                levels.add(int(level))
    return tuple(sorted(levels)) or (int(limit_bytes),)


def nearest_level_bytes(policy: Policy, reading: Reading) -> int:
    """How much more the target may use before the next level of its policy, or its limit, is reached; at least 0."""
    ahead = [level for level in levels_bytes(policy, reading.limit_bytes) if level >= reading.used_bytes]
    return max(0, (ahead[0] if ahead else reading.limit_bytes) - reading.used_bytes)


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, (All, Either)):
        for part in condition.parts:
            yield from _comparisons(part)
    else:
        yield from _comparisons(condition.inner)
