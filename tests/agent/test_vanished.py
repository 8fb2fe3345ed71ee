"""Kills in cgroups that were gone before the frame: each is told of once, under the name of what died."""

from __future__ import annotations

from forestall.agent.vanished import killed_and_gone
from forestall.model.finding import Severity
from forestall.model.target import CGROUP, UNIT, Target
from tests.support.frames import MIB, frame, kill, reading


def test_a_unit_that_went_with_its_process_is_named() -> None:
    """The kernel log has the path: the finding names the unit, the process, the limit and its size."""
    seen = frame(kills=(kill("doomed.service"),))
    (finding,) = killed_and_gone(seen, 0.0, ())
    assert (finding.target.kind, finding.target.name) == (UNIT, "doomed.service")
    assert (finding.rule, finding.severity) == ("kill_seen", Severity.CRITICAL)
    path = "/system.slice/doomed.service"
    assert finding.summary == f"the kernel killed leaker (pid 812) at the limit of {path}"
    assert finding.since_boottime_seconds == 9_880.0
    assert finding.evidence[1].value == 500 * MIB


def test_one_that_was_known_keeps_its_identity() -> None:
    """A target of an earlier frame at that path is the one that died: its history goes on."""
    before = reading("doomed.service").target
    (finding,) = killed_and_gone(frame(kills=(kill("doomed.service"),)), 0.0, (before,))
    assert finding.target is before


def test_a_kill_that_a_reading_shows_is_left_to_the_rule() -> None:
    """Neither the victim's own row nor one above it may be told of twice."""
    above = reading("a.slice", target=Target(CGROUP, "/system.slice#3", "/system.slice", "/system.slice"))
    for row in (reading("doomed.service"), above):
        assert killed_and_gone(frame(row, kills=(kill("doomed.service"),)), 0.0, ()) == ()


def test_kills_from_before_the_first_look_are_history() -> None:
    """The log is read from its beginning: what lies before the recorder's own is not told of anew."""
    seen = frame(kills=(kill("a.service", at_boottime_seconds=50.0),))
    assert killed_and_gone(seen, 50.1, ()) == ()
    assert len(killed_and_gone(seen, 50.0, ())) == 1


def test_many_kills_in_one_cgroup_are_one_finding() -> None:
    """A storm in one service is told of once, with its number, its beginning and its newest victim."""
    kills = [kill("a.service", at_boottime_seconds=60.0 + number)._replace(pid=number) for number in range(3)]
    (finding,) = killed_and_gone(frame(kills=tuple(kills)), 0.0, ())
    assert "(pid 2)" in finding.summary
    assert "3 times" in finding.summary
    assert finding.since_boottime_seconds == 60.0


def test_a_kill_without_a_victims_cgroup_belongs_to_nobody() -> None:
    """What only a counter betrayed, or an old kernel did not name, makes no finding here."""
    nameless = kill("a.service")._replace(victim_path=None)
    assert killed_and_gone(frame(kills=(nameless,)), 0.0, ()) == ()
