"""A confident forecast becomes a finding, and nothing else does."""

from __future__ import annotations

from typing import Any

from forestall.analyse.latch import Latch
from forestall.model.finding import Finding, Severity
from forestall.model.trend import LEAKING, Trend
from forestall.rules.time_to_limit import PLUGIN
from tests.support.frames import MIB, reading
from tests.support.judgement import view


def found(seconds_left: list[float | None], confidence_ratio: float = 0.9, **changes: Any) -> list[Finding | None]:
    """What the rule says while the forecast, once a second, is that."""
    latches = {"warning": Latch(), "critical": Latch()}
    findings = []
    for second, left in enumerate(seconds_left):
        trend = Trend(MIB, left, left and left * 0.9, left and left * 1.2, confidence_ratio, LEAKING, 60.0, 60, 1.0)
        findings.append(PLUGIN.check(view(reading("a.service"), float(second), trend=trend, **changes), latches))
    return findings


def severities(seconds_left: list[float | None], **changes: Any) -> list[Severity | None]:
    """Only how bad it was found."""
    return [None if finding is None else finding.severity for finding in found(seconds_left, **changes)]


def test_ten_minutes_are_a_warning_and_one_is_critical() -> None:
    """Eleven minutes are not yet a finding."""
    assert severities([660.0, 590.0, 59.0]) == [None, Severity.WARNING, Severity.CRITICAL]


def test_what_is_not_confident_is_no_finding() -> None:
    """79 % is a guess."""
    assert severities([30.0, 30.0], confidence_ratio=0.79) == [None, None]


def test_the_victim_of_a_busy_sibling_is_no_finding() -> None:
    """Where others eat the shared limit they are found, not this one."""
    assert severities([30.0], grows_fastest=False) == [None]


def test_it_does_not_flutter_around_ten_minutes() -> None:
    """Up to 5 % more than the level it stays, beyond that it goes after ten seconds."""
    assert severities([590.0, *[620.0] * 20])[-1] == Severity.WARNING
    assert severities([590.0, *[640.0] * 12])[-1] is None
    assert severities([590.0, None, 590.0]) == [Severity.WARNING, None, Severity.WARNING]


def test_the_finding_carries_its_interval_and_its_confidence() -> None:
    """Earliest, likeliest and latest time, the rate, and how sure that is."""
    finding = found([100.0])[0]
    assert finding is not None
    assert finding.confidence_ratio == 0.9
    assert {number.name: number.value for number in finding.evidence} == {
        "time to limit": 100.0,
        "growth": MIB,
        "time to limit low": 90.0,
        "time to limit high": 120.0,
    }
