"""What happened, as rows."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.action import Deed, Notice, Outcome
from forestall.model.capture import Capture, Piece
from forestall.model.errors import Malformed
from forestall.model.finding import Finding, Severity
from forestall.model.frame import Moment
from forestall.model.target import HOST, UNIT, Target
from forestall.store import events
from tests.support.frames import kill

TARGET = Target(UNIT, "/system.slice/api.service#7", "api.service", "/system.slice/api.service")
NOW = Moment(1000.0, 5000.0, "b00t")
FINDING = Finding("time_to_limit", TARGET, Severity.WARNING, "4 minutes left", (), 990.0)
OUTCOME = Outcome("a1", TARGET, Deed("restart"), "done", "took 2 s", 995.0, 2.0)
CAPTURE = Capture("c1", TARGET, 1000.0, 5000.0, "4 minutes left", 1, False, (Piece("top", "1 init"),))
NOTICE = Notice("n1", 5000.0, 1, TARGET, "api.service: 4 minutes left", ())


@pytest.mark.parametrize(
    "event",
    [
        events.of_finding(FINDING, NOW),
        events.of_outcome(OUTCOME, NOW),
        events.of_capture(CAPTURE),
        events.of_kill(kill("api.service")),
        events.of_notice(NOTICE),
    ],
)
def test_every_kind_of_event_comes_back(event: events.Event) -> None:
    """The document holds the whole value."""
    assert events.read(event.kind, events.pack(event.value)) == event.value


def test_a_finding_that_holds_on_is_the_same_event() -> None:
    """Told again ten seconds later it is the same; from a new beginning it is another."""
    first = events.of_finding(FINDING, NOW).identity
    assert events.of_finding(FINDING, NOW._replace(boottime_seconds=1010.0)).identity == first
    assert events.of_finding(FINDING._replace(since_boottime_seconds=1005.0), NOW).identity != first
    assert events.of_finding(FINDING, NOW._replace(boot_id="another")).identity != first


def test_an_outcome_is_filed_at_the_time_its_deed_began() -> None:
    """The wall time follows from the boot's offset at any moment."""
    event = events.of_outcome(OUTCOME, NOW)
    assert (event.wall_seconds, event.boottime_seconds) == (4995.0, 995.0)


def test_a_kill_is_filed_under_the_victims_cgroup() -> None:
    """The victim's, else the limit's, else the host's."""
    known = kill("api.service")
    assert events.of_kill(known._replace(limit_path="/system.slice")).target.path == "/system.slice/api.service"
    assert events.of_kill(known._replace(victim_path=None, limit_path="/a")).target.path == "/a"
    assert events.of_kill(known._replace(victim_path=None, limit_path=None)).target.kind == HOST


@given(st.binary(max_size=50), st.sampled_from(["finding", "outcome", "capture", "kill", "notice", "x"]))
def test_any_bytes_give_an_event_or_malformed(raw: bytes, kind: str) -> None:
    """Hostile documents raise nothing but Malformed."""
    for document in (raw, zlib.compress(raw), zlib.compress(b"[" * 100_000)):
        with pytest.raises(Malformed):
            events.read(kind, document)
