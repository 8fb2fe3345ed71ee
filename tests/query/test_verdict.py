"""The one phrase per target: the worst that holds, and nothing that is not known."""

from __future__ import annotations

import pytest

from forestall.model.finding import Finding, Severity
from forestall.model.frame import Reading
from forestall.model.trend import SHAPES, Trend
from forestall.query import verdict
from forestall.query.verdict import Verdict, judge
from tests.support import frames
from tests.support.frames import FLAT, LEAK, MIB

CALM = frames.reading("api.service")
STALLED = frames.reading("api.service", pressure=frames.CALM._replace(some_ratio_10s=0.3))
SOON = LEAK._replace(time_to_limit_seconds=59.0)
LATER = LEAK._replace(time_to_limit_seconds=7200.0)


def used(ratio: float) -> Reading:
    """A service that uses that share of its 512 MiB."""
    return frames.reading("api.service", used_bytes=int(512 * MIB * ratio))


def found(rule: str, severity: Severity = Severity.WARNING) -> Finding:
    """A finding of that rule on the service."""
    return Finding(rule, CALM.target, severity, "it is so", (), 1.0)


@pytest.mark.parametrize(
    ("reading", "trend", "killed_seconds_ago", "expected"),
    [
        (CALM, FLAT, None, Verdict("ok", Severity.INFO)),
        (CALM, None, None, Verdict("unknown", Severity.INFO)),
        (used(0.85), None, None, Verdict("near limit", Severity.WARNING)),
        (used(0.95), FLAT, None, Verdict("near limit", Severity.CRITICAL)),
        (CALM, SOON, None, Verdict("leaking", Severity.CRITICAL, 59.0)),
        (CALM, LEAK, None, Verdict("leaking", Severity.WARNING, 240.0)),
        (CALM, LATER, None, Verdict("leaking", Severity.INFO, 7200.0)),
        (CALM, LEAK._replace(confidence_ratio=0.79), None, Verdict("growing", Severity.INFO)),
        (CALM, LEAK._replace(time_to_limit_seconds=8 * 86400.0), None, Verdict("growing", Severity.INFO)),
        (STALLED, FLAT, None, Verdict("stalled", Severity.WARNING)),
        (CALM, FLAT, 120.0, Verdict("killed", Severity.CRITICAL, 120.0)),
        (CALM, FLAT, 901.0, Verdict("ok", Severity.INFO)),
        (used(0.95), SOON, 5.0, Verdict("killed", Severity.CRITICAL, 5.0)),
        (used(0.95), LEAK, None, Verdict("near limit", Severity.CRITICAL)),
        (used(0.85), LEAK, None, Verdict("leaking", Severity.WARNING, 240.0)),
    ],
)
def test_the_worst_that_holds_is_said(
    reading: Reading, trend: Trend | None, killed_seconds_ago: float | None, expected: Verdict
) -> None:
    """Kill, forecast, stall and level each give their verdict; the most severe wins, then the first of these."""
    assert judge(reading, trend, (), killed_seconds_ago) == expected


@pytest.mark.parametrize(
    ("reading", "rule"),
    [
        (used(0.78), "cgroup_near_limit"),
        (frames.reading("api.service", pressure=frames.CALM._replace(some_ratio_10s=0.195)), "pressure_stall"),
        (CALM, "kill_seen"),
    ],
)
def test_a_finding_holds_while_its_number_is_about_its_level(reading: Reading, rule: str) -> None:
    """A rule with hysteresis keeps its word on the screen while the number is a little below its level again."""
    assert judge(reading, FLAT, (found(rule),), None) == Verdict(verdict.RULE_WORDS[rule], Severity.WARNING)


@pytest.mark.parametrize("rule", ["cgroup_near_limit", "pressure_stall"])
@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.CRITICAL])
def test_a_finding_that_only_waits_to_be_cleared_does_not_contradict_the_number(rule: str, severity: Severity) -> None:
    """Nothing is called near its limit beside a fifth of it, nor stalled beside no pressure."""
    assert judge(CALM, FLAT, (found(rule, severity),), None).word == "ok"
    assert judge(used(0.85), FLAT, (found("cgroup_near_limit", Severity.CRITICAL),), None).severity == Severity.WARNING


def test_findings_of_other_rules_do_not_change_the_word() -> None:
    """A policy step that fired is no verdict on memory."""
    assert judge(CALM, FLAT, (found("step", Severity.CRITICAL),), None).word == "ok"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_a_word_of_the_list(shape: str) -> None:
    """Whatever shape a trend has, the verdict is one that scripts know, and never a leak without a forecast."""
    word = judge(CALM, FLAT._replace(shape=shape), (), None).word
    assert word in verdict.WORDS
    assert word != "leaking"


def test_nothing_left_counts_as_full() -> None:
    """A level without any limit left divides by nothing and is full."""
    assert verdict.used_ratio(frames.reading("a", used_bytes=0, limit_bytes=0)) == 1.0
    assert verdict.used_ratio(used(0.5)) == 0.5
