"""The guard's own acts, over its restart and over a boot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.engine.ledger import ACCOUNTS_MAX, RUNNING_SECONDS_MAX, Ledger
from forestall.model.action import DONE, Action, Deed, Outcome
from forestall.model.errors import Malformed
from forestall.model.finding import Finding, Severity
from forestall.model.target import UNIT, Target
from tests.support.judgement import moment

API = Target(UNIT, "/api#1", "api.service", "/api")


def action(*verbs: str, target: Target = API, number: int = 0) -> Action:
    """An action of these verbs."""
    finding = Finding("step", target, Severity.CRITICAL, "", (), 0.0, policy="unit:*", step=1)
    return Action(f"a{number}", target, tuple(Deed(verb) for verb in verbs), finding, "unit:*", 1, False, 10.0, 0.0)


def outcome(of: Action, deed: int = 0) -> Outcome:
    """The outcome of one deed of it."""
    return Outcome(of.id, of.target, of.deeds[deed], DONE, "", 0.0, 1.0)


def reread(ledger: Ledger) -> Ledger:
    """What the next guard reads."""
    return Ledger.decode(json.loads(json.dumps(ledger.encode())))


def test_an_action_runs_until_its_last_deed_has_ended() -> None:
    """Two deeds, two outcomes."""
    ledger, both = Ledger(), action("capture", "restart")
    ledger.began(both, moment(10.0))
    ledger.ended(outcome(both, 0), moment(11.0))
    assert [intent.action_id for intent in ledger.running_on(API.identity, 11.0)] == ["a0"]
    ledger.ended(outcome(both, 1), moment(15.0))
    assert ledger.running_on(API.identity, 15.0) == []
    assert ledger.accounts[API.identity].acted_boottime_seconds == 15.0
    assert ledger.acts_within_hour(API.identity, 15.0) == (10.0,)


def test_notify_and_capture_leave_no_trace_in_the_account() -> None:
    """What can be undone needs no cool-down."""
    ledger, mild = Ledger(), action("notify", "capture")
    ledger.began(mild, moment(10.0))
    ledger.finish(mild.id, moment(11.0))
    assert ledger.accounts == {}


def test_the_outcome_of_an_unknown_action_is_passed_over() -> None:
    """An outcome that comes twice, or from another guard's action, changes nothing."""
    ledger, stop = Ledger(), action("restart")
    ledger.ended(outcome(stop), moment(5.0))
    assert ledger.accounts == {}


def test_acts_older_than_an_hour_are_forgotten() -> None:
    """The budget is one of an hour."""
    ledger = Ledger()
    for number in range(4):
        ledger.began(action("restart", number=number), moment(1000.0 * (number + 1)))
    assert ledger.acts_within_hour(API.identity, 4700.0) == (2000.0, 3000.0, 4000.0)


def test_an_action_of_which_nothing_is_heard_blocks_no_longer() -> None:
    """A hand that never answered does not leave a service without a guard for ever."""
    ledger = Ledger()
    ledger.began(action("restart"), moment(10.0))
    assert ledger.running_on(API.identity, 10.0 + RUNNING_SECONDS_MAX - 1)
    assert not ledger.running_on(API.identity, 10.0 + RUNNING_SECONDS_MAX)


def test_a_guard_that_died_in_between_counts_its_intent_as_done() -> None:
    """After a restart the intent is unfinished, its cool-down stands, and nothing is running."""
    ledger = Ledger()
    ledger.began(action("restart"), moment(10.0))
    after = reread(ledger)
    assert list(after.unfinished) == ["a0"]
    assert after.running == {}
    assert after.accounts[API.identity].acted_boottime_seconds == 10.0
    after.checked("a0")
    assert reread(after).unfinished == {}


def test_another_boot_begins_with_an_empty_ledger() -> None:
    """Boot times do not compare across boots, and nothing of the last boot runs."""
    ledger = Ledger()
    ledger.began(action("restart"), moment(10.0, "one"))
    after = reread(ledger)
    after.turn_to(moment(5.0, "two"))
    assert (after.accounts, after.unfinished, after.boot_id) == ({}, {}, "two")


def test_a_time_that_lies_ahead_counts_as_now() -> None:
    """A damaged record does not keep a service unguarded until the end of days."""
    ledger = Ledger()
    ledger.began(action("restart"), moment(1e9))
    after = reread(ledger)
    after.turn_to(moment(50.0))
    assert after.accounts[API.identity].acted_boottime_seconds == 50.0


def test_it_is_bounded() -> None:
    """Thousands of short-lived targets push out the oldest accounts."""
    ledger = Ledger()
    for number in range(ACCOUNTS_MAX + 50):
        stop = action("restart", target=API._replace(identity=f"/c{number}#1"), number=number)
        ledger.began(stop, moment(float(number)))
        ledger.finish(stop.id, moment(float(number)))
    assert len(ledger.accounts) == ACCOUNTS_MAX
    assert "/c0#1" not in ledger.accounts
    assert len(ledger.running) == 0


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["boot_id", "accounts", "running", "unfinished", "identity", "step", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_hostile_records_are_malformed_and_nothing_else(written: Any) -> None:
    """Whatever lies in the file: a ledger or Malformed."""
    try:
        ledger = Ledger.decode(written)
    except Malformed:
        return
    assert isinstance(ledger.boot_id, str)


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf")])
def test_times_that_are_no_numbers_are_malformed(time: float) -> None:
    """Python's json reads NaN; a cool-down cannot."""
    ledger = Ledger()
    ledger.began(action("restart"), moment(10.0))
    written: Any = ledger.encode()
    written["accounts"][0]["acted_boottime_seconds"] = time
    with pytest.raises(Malformed):
        Ledger.decode(written)


def test_too_many_entries_are_malformed() -> None:
    """A file blown up by someone does not fill the guard's memory."""
    accounts = [
        {"identity": str(number), "acted_boottime_seconds": 1.0, "acts_boottime_seconds": []}
        for number in range(ACCOUNTS_MAX + 1)
    ]
    with pytest.raises(Malformed):
        Ledger.decode({"boot_id": "b", "accounts": accounts})
