"""A policy's steps against one target: which fire now, which are withheld, which are armed again.

A step fires once. It is armed again when its condition, with every level 5 % easier to meet, has been false for 60 s;
or when a refusal of the arbiter has put it off and its condition still holds after that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from forestall.engine.conditions import Facts, holds, lingers
from forestall.engine.pace import TIME_LEFT, TIME_LEFT_NOW
from forestall.engine.watched import StepMemory
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.policy import Policy, Step
from forestall.model.target import Target
from forestall.model.units import format_bytes, format_duration, format_rate, format_ratio

ARMED_SECONDS: Final = 60.0
ARMED_MARGIN_RATIO: Final = 0.05

STEP: Final = "step"
STEP_AGAIN: Final = "step-again"
"""A step that fires again because the arbiter had put it off."""
WITHHELD: Final = "step-withheld"


def climb(
    policy: Policy, memories: list[StepMemory], facts: Facts, victim: Target | None, why_not: str
) -> Iterator[Finding]:
    """Yield a finding for each step that fires at this tick.

    `victim` is whom a step that cannot be undone would hit, None if nobody: then it is withheld for the reason
    `why_not`, which is said once.
    """
    for index, (step, memory) in enumerate(zip(policy.steps, memories, strict=True)):
        held = holds(step.when, facts, memory.since, strict=step.irreversible)
        _keep_time(step, memory, facts, held)
        if not held or not _is_due(memory, facts.now):
            continue
        if step.irreversible and victim is None:
            if not memory.withheld:
                memory.withheld = True
                yield _finding(WITHHELD, policy, index, facts, memory, why_not)
            continue
        finding = _finding(STEP_AGAIN if memory.fired else STEP, policy, index, facts, memory)
        memory.fired = True
        memory.put_off_until = None
        yield finding._replace(target=victim) if step.irreversible and victim is not None else finding


def _keep_time(step: Step, memory: StepMemory, facts: Facts, held: bool) -> None:
    """Note since when the condition holds, and arm the step again once it has been clearly false for a minute."""
    if not held:
        memory.held_since = None
    elif memory.held_since is None:
        memory.held_since = facts.now
    if not memory.fired and not memory.withheld:
        return
    if held or lingers(step.when, facts, ARMED_MARGIN_RATIO):
        memory.clear_since = None
        return
    if memory.clear_since is None:
        memory.clear_since = facts.now
    if facts.now - memory.clear_since >= ARMED_SECONDS:
        memory.fired = memory.withheld = False
        memory.clear_since = memory.put_off_until = None


def _is_due(memory: StepMemory, now: float) -> bool:
    return not memory.fired or (memory.put_off_until is not None and now >= memory.put_off_until)


def _finding(rule: str, policy: Policy, index: int, facts: Facts, memory: StepMemory, why_not: str = "") -> Finding:
    step = policy.steps[index]
    severity = Severity.INFO if why_not else Severity.CRITICAL if step.irreversible else Severity.WARNING
    trend = facts.trend
    return Finding(
        rule=rule,
        target=facts.reading.target,
        severity=severity,
        summary=f"{step.text}: {_state(facts)}" + (f"; withheld: {why_not}" if why_not else ""),
        evidence=_evidence(facts),
        since_boottime_seconds=facts.now if memory.held_since is None else memory.held_since,
        confidence_ratio=trend.confidence_ratio if trend.time_to_limit_seconds is not None else 1.0,
        policy=policy.match,
        step=index,
    )


def _state(facts: Facts) -> str:
    reading = facts.reading
    ratio = reading.used_bytes / reading.limit_bytes if reading.limit_bytes else 1.0
    words = f"{format_bytes(reading.used_bytes)} of {format_bytes(reading.limit_bytes)} ({format_ratio(ratio)})"
    left = facts.trend.time_to_limit_seconds
    if left is None:
        return words
    return f"{words}, {format_duration(left)} left at {format_rate(facts.trend.growth_bytes_per_second)}"


def _evidence(facts: Facts) -> tuple[Evidence, ...]:
    reading, trend = facts.reading, facts.trend
    numbers = [
        Evidence("used", reading.used_bytes, "bytes", "unreclaimable use"),
        Evidence("limit", reading.limit_bytes, "bytes", f"used + headroom at {reading.limit_level}"),
    ]
    if facts.growth_bytes_per_second is not None:
        numbers.append(Evidence("growth", facts.growth_bytes_per_second, "bytes per second", "mean of a minute"))
    if trend.time_to_limit_seconds is not None:
        window = f"trend over {trend.lasted_seconds:.0f} s, {trend.samples} points"
        numbers.append(Evidence(TIME_LEFT, trend.time_to_limit_seconds, "seconds", window))
    if facts.rate_bytes_per_second is not None and facts.rate_bytes_per_second > 0.0:
        left = reading.headroom_bytes / facts.rate_bytes_per_second
        numbers.append(Evidence(TIME_LEFT_NOW, left, "seconds", "headroom / growth of the last second"))
    if reading.pressure is not None:
        numbers.append(Evidence("some avg10", reading.pressure.some_ratio_10s, "ratio", "PSI memory"))
    return tuple(numbers)
