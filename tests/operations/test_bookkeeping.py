"""What the story of a run's guard adds up to."""

from __future__ import annotations

from typing import Any

from forestall.model.action import CALLED_OFF, DONE, DRY_RUN, FAILED
from forestall.operations.bookkeeping import Bookkeeping

MIB = 2**20


def stand(used: int, **fields: Any) -> dict[str, Any]:
    """How the target stands, in MiB of 100."""
    return {"k": "stand", "at": 1.0, "used": used * MIB, "limit": 100 * MIB, "growth": 0.0, "left": None, **fields}


def finding(severity: int, at: float, rule: str = "step") -> dict[str, Any]:
    """A step that fired."""
    return {"k": "finding", "at": at, "finding": {"rule": rule, "severity": severity}}


def outcome(result: str, verb: str = "terminate", words: str = "stopped") -> dict[str, Any]:
    """What came of a deed."""
    return {"k": "outcome", "outcome": {"deed": {"verb": verb}, "result": result, "words": words}}


def told(*messages: dict[str, Any]) -> Bookkeeping:
    """The sum of a story."""
    book = Bookkeeping(100 * MIB)
    for message in messages:
        book.take(message)
    return book


def test_peak_and_near_misses_only_grow() -> None:
    """The highest use and the most near misses that were told stay."""
    book = told(stand(50, near_misses=2), stand(90, near_misses=None), stand(10, near_misses=1))
    assert (book.peak_bytes, book.near_misses) == (90 * MIB, 2)


def test_captures_are_counted() -> None:
    """The guard's minimal and the recorder's full captures both count."""
    assert told({"k": "minimal"}, {"k": "captured"}, {"k": "ready"}).captures == 2


def test_the_warning_time_reaches_from_the_first_warning_to_the_limit() -> None:
    """Ten seconds of warning so far, and four more that were left when the stop began."""
    book = told(finding(1, 100.0), stand(93, left=4.0), finding(2, 110.0), finding(2, 111.0))
    assert book.warned_seconds_before_limit == 14.0
    assert book.stopping


def test_without_a_forecast_the_growth_tells_what_was_left() -> None:
    """10 MiB at 5 MiB/s are two seconds; with neither there is no answer."""
    assert told(stand(90, growth=5.0 * MIB), finding(2, 5.0)).warned_seconds_before_limit == 2.0
    assert told(stand(90), finding(2, 5.0)).warned_seconds_before_limit is None
    assert told(finding(2, 5.0)).warned_seconds_before_limit is None


def test_what_a_rule_says_is_no_warning_of_the_policy() -> None:
    """Only steps of the policy warn."""
    assert not told(stand(95, left=1.0), finding(2, 5.0, rule="cgroup_near_limit")).stopping


def test_stops_are_told_with_what_came_of_them() -> None:
    """Done, failed and called off; a dry run and a notification are no stops."""
    book = told(
        finding(2, 1.0),
        outcome(DONE),
        outcome(FAILED, words="denied"),
        outcome(CALLED_OFF, words="use has fallen"),
        outcome(DRY_RUN),
        outcome(DONE, verb="notify"),
    )
    assert book.stops == ["stopped", "failed: denied", "called off: use has fallen"]
    assert book.stopped_since_start
    assert not book.stopping
