"""Use near the limit of a cgroup."""

from __future__ import annotations

from typing import Any

from forestall.analyse.latch import Latch
from forestall.model.finding import Finding, Severity
from forestall.rules.cgroup_near_limit import PLUGIN
from tests.support.frames import reading
from tests.support.judgement import LIMIT, view


def found(used_ratios: list[float], **changes: Any) -> list[Finding | None]:
    """What the rule says while a service, once a second, uses that share of its limit."""
    latches = {"warning": Latch(), "critical": Latch()}
    return [
        PLUGIN.check(
            view(reading("a.service", used_bytes=int(ratio * LIMIT), limit_bytes=LIMIT, **changes), float(second)),
            latches,
        )
        for second, ratio in enumerate(used_ratios)
    ]


def severities(used_ratios: list[float], **changes: Any) -> list[Severity | None]:
    """Only how bad it was found."""
    return [None if finding is None else finding.severity for finding in found(used_ratios, **changes)]


def test_it_warns_after_half_a_minute_above_80_percent() -> None:
    """29 s are a peak, 30 s a state."""
    assert severities([0.85] * 30)[-1] is None
    assert severities([0.85] * 31)[-1] == Severity.WARNING


def test_a_collection_in_between_begins_the_half_minute_anew() -> None:
    """A saw-tooth that dips below 80 % every ten seconds is no warning."""
    assert set(severities([*[0.85] * 9, 0.6] * 6)) == {None}


def test_it_is_critical_at_once_above_92_percent() -> None:
    """Where one burst ends in a kill nobody waits."""
    assert severities([0.5, 0.93]) == [None, Severity.CRITICAL]


def test_it_steps_back_to_a_warning_before_it_clears() -> None:
    """From 95 % down to 82 % it remains a warning, at 70 % it is over after ten seconds."""
    course = severities([*[0.95] * 31, *[0.82] * 15, *[0.70] * 15])
    assert course[30] == Severity.CRITICAL
    assert course[45] == Severity.WARNING
    assert course[-1] is None


def test_a_target_that_only_the_host_bounds_is_left_to_host_low() -> None:
    """Without a cgroup's limit there is no cgroup near its limit."""
    assert severities([0.99], limit_level="host", limit_own=False) == [None]


def test_the_level_that_decides_is_named() -> None:
    """A parent's limit is not called the target's own."""
    own, shared = found([0.95])[0], found([0.95], limit_level="/apps", limit_own=False)[0]
    assert own is not None and shared is not None
    assert "of its limit" in own.summary
    assert "what /apps leaves it" in shared.summary
