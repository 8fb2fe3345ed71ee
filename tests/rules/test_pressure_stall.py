"""Stalls on memory of a fifth of the time, for half a minute."""

from __future__ import annotations

from forestall.analyse.latch import Latch
from forestall.model.finding import Finding, Severity
from forestall.rules.pressure_stall import PLUGIN
from tests.support.frames import reading
from tests.support.judgement import stall, view


def found(ratios: list[float | None]) -> list[Finding | None]:
    """What the rule says while avg10, once a second, is that (None: the kernel does not tell)."""
    latches = {"warning": Latch(), "critical": Latch()}
    findings = []
    for second, ratio in enumerate(ratios):
        one = reading("a.service", pressure=None if ratio is None else stall(ratio))
        findings.append(PLUGIN.check(view(one, float(second)), latches))
    return findings


def test_half_a_minute_of_stalls_is_a_warning() -> None:
    """Thirty seconds above 20 %, with since when."""
    assert found([0.3] * 30)[-1] is None
    finding = found([0.1, *[0.3] * 31])[-1]
    assert finding is not None
    assert (finding.severity, finding.since_boottime_seconds) == (Severity.WARNING, 1.0)


def test_short_stalls_are_not() -> None:
    """Ten bad seconds out of twenty, again and again, are no finding."""
    assert set(found([*[0.5] * 10, *[0.0] * 10] * 4)) == {None}


def test_without_psi_there_is_nothing_to_say() -> None:
    """A kernel without PSI gives no finding, and takes back one that stood."""
    assert found([None] * 40)[-1] is None
    assert found([*[0.5] * 40, None])[-1] is None
