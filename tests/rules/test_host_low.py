"""The host's headroom against a tenth and a twentieth of its RAM."""

from __future__ import annotations

from forestall.analyse.latch import Latch
from forestall.model.finding import Finding, Severity
from forestall.rules.host_low import PLUGIN
from tests.support.frames import GIB, MIB, reading
from tests.support.judgement import host, host_view, view


def found(headroom_ratios: list[float]) -> list[Finding | None]:
    """What the rule says while the host, once a second, has that share of its 8 GiB left."""
    latches = {"warning": Latch(), "critical": Latch()}
    return [
        PLUGIN.check(host_view(host(int(ratio * 8 * GIB)), float(second)), latches)
        for second, ratio in enumerate(headroom_ratios)
    ]


def severities(headroom_ratios: list[float]) -> list[Severity | None]:
    """Only how bad it was found."""
    return [None if finding is None else finding.severity for finding in found(headroom_ratios)]


def test_it_warns_below_a_tenth_and_is_critical_below_a_twentieth() -> None:
    """12 % is fine, 9 % a warning, 4 % critical."""
    assert severities([0.12, 0.09, 0.04]) == [None, Severity.WARNING, Severity.CRITICAL]


def test_it_clears_only_well_above_for_ten_seconds() -> None:
    """10.2 % does not clear a warning raised at 10 %; 11 % does, after ten seconds."""
    assert severities([0.09, *[0.102] * 20])[-1] == Severity.WARNING
    assert severities([0.09, *[0.11] * 10])[-1] == Severity.WARNING
    assert severities([0.09, *[0.11] * 11])[-1] is None


def test_it_tells_the_numbers_and_since_when() -> None:
    """The finding carries the headroom in bytes and its share of the RAM, and when it fell below."""
    finding = found([0.2, 0.08, 0.08])[-1]
    assert finding is not None
    assert finding.since_boottime_seconds == 1.0
    assert [(number.name, number.unit) for number in finding.evidence] == [
        ("headroom", "bytes"),
        ("headroom of RAM", "ratio"),
    ]
    assert "8% of 8 GiB" in finding.summary


def test_services_are_none_of_its_business() -> None:
    """A service with nothing left is for other rules."""
    latches = {"warning": Latch(), "critical": Latch()}
    assert PLUGIN.check(view(reading("a.service", used_bytes=512 * MIB)), latches) is None
