"""One phrase per target: what an operator has to know about it now, with how bad that is.

It reads the target's numbers, its trend and the findings of the rules. Levels are those of the rules' defaults, so
that a screen without an agent (and so without findings) says the same words.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.finding import Finding, Severity
from forestall.model.frame import Reading
from forestall.model.trend import CONFIDENT_RATIO, FALLING, GROWING, LEAKING, SAW_TOOTH, UNKNOWN, WARMING, Trend

OK: Final = "ok"
NEAR_LIMIT: Final = "near limit"
LEAK: Final = "leaking"
STALLED: Final = "stalled"
KILLED: Final = "killed"
NO_ANSWER: Final = "unknown"

WORDS: Final = (OK, NEAR_LIMIT, LEAK, STALLED, KILLED, GROWING, WARMING, SAW_TOOTH, FALLING, NO_ANSWER)
"""Every word a verdict can have; scripts may rely on the list."""

NEAR_RATIO: Final = 0.80
FULL_RATIO: Final = 0.92
STALL_RATIO: Final = 0.20
SOON_SECONDS: Final = 600.0
NOW_SECONDS: Final = 60.0
HORIZON_SECONDS: Final = 7 * 86400.0
"""A forecast beyond a week is no news."""

KILL_VERDICT_SECONDS: Final = 900.0
"""For how long a kill is the first thing to say of a target."""

CLEAR_FACTOR: Final = 0.95
"""Below this share of a level its rule begins to clear, for ten seconds; a verdict does not wait: it stands beside the
number."""

RULE_WORDS: Final = {"cgroup_near_limit": NEAR_LIMIT, "pressure_stall": STALLED, "kill_seen": KILLED}


class Verdict(NamedTuple):
    """`word` is one of WORDS; `seconds` belongs to it: time left of a leak, age of a kill; else None."""

    word: str
    severity: Severity
    seconds: float | None = None


def judge(
    reading: Reading, trend: Trend | None, findings: tuple[Finding, ...], killed_seconds_ago: float | None
) -> Verdict:
    """The worst thing that holds; of equally bad ones the first of: killed, leaking, stalled, near its limit."""
    candidates = [
        verdict
        for verdict in (
            _killed(killed_seconds_ago),
            _leaking(trend),
            _stalled(reading),
            _near(reading),
            *(_found(finding, reading) for finding in findings),
        )
        if verdict is not None
    ]
    if not candidates:
        return _calm(trend)
    return max(candidates, key=lambda verdict: verdict.severity)


def confident_seconds_left(trend: Trend | None) -> float | None:
    """Time to the limit, if the trend is sure of it and it lies within a week; else None."""
    if trend is None or trend.confidence_ratio < CONFIDENT_RATIO or trend.time_to_limit_seconds is None:
        return None
    return trend.time_to_limit_seconds if trend.time_to_limit_seconds <= HORIZON_SECONDS else None


def used_ratio(reading: Reading) -> float:
    """Use as a share 0..1 of the limit at the level that decides; 1 where nothing is left."""
    return min(1.0, reading.used_bytes / reading.limit_bytes) if reading.limit_bytes > 0 else 1.0


def _killed(seconds_ago: float | None) -> Verdict | None:
    if seconds_ago is None or seconds_ago > KILL_VERDICT_SECONDS:
        return None
    return Verdict(KILLED, Severity.CRITICAL, seconds_ago)


def _leaking(trend: Trend | None) -> Verdict | None:
    left = confident_seconds_left(trend)
    if left is None:
        return None
    if left < NOW_SECONDS:
        return Verdict(LEAK, Severity.CRITICAL, left)
    return Verdict(LEAK, Severity.WARNING if left < SOON_SECONDS else Severity.INFO, left)


def _stalled(reading: Reading) -> Verdict | None:
    if reading.pressure is None or reading.pressure.some_ratio_10s <= STALL_RATIO:
        return None
    return Verdict(STALLED, Severity.WARNING)


def _near(reading: Reading) -> Verdict | None:
    ratio = used_ratio(reading)
    if ratio <= NEAR_RATIO:
        return None
    return Verdict(NEAR_LIMIT, Severity.CRITICAL if ratio > FULL_RATIO else Severity.WARNING)


def _found(finding: Finding, reading: Reading) -> Verdict | None:
    word = RULE_WORDS.get(finding.rule)
    return Verdict(word, finding.severity) if word and _still(word, finding.severity, reading) else None


def _still(word: str, severity: Severity, reading: Reading) -> bool:
    """Whether the number of this moment bears the word out, with the rule's own hysteresis."""
    if word == NEAR_LIMIT:
        level = FULL_RATIO if severity == Severity.CRITICAL else NEAR_RATIO
        return used_ratio(reading) > level * CLEAR_FACTOR
    if word == STALLED:
        return reading.pressure is not None and reading.pressure.some_ratio_10s > STALL_RATIO * CLEAR_FACTOR
    return True


def _calm(trend: Trend | None) -> Verdict:
    if trend is None:
        return Verdict(NO_ANSWER, Severity.INFO)
    words = {GROWING: GROWING, LEAKING: GROWING, WARMING: WARMING, SAW_TOOTH: SAW_TOOTH, FALLING: FALLING}
    return Verdict(NO_ANSWER if trend.shape == UNKNOWN else words.get(trend.shape, OK), Severity.INFO)
