"""What the guard has done and is about to do: kept over its own death, and shortened rather than lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.agent.intents import OUTCOMES_KEPT, Intents
from forestall.agent.livestate import SLOT_BYTES, LiveState, read_captures, read_state
from forestall.engine.arbiter import choose
from forestall.engine.ledger import ACCOUNTS_MAX, INTENTS_MAX, Ledger
from forestall.model.action import DONE, Action, Deed, Outcome
from forestall.model.capture import Capture, Piece
from forestall.model.finding import Finding, Severity
from forestall.model.plain import value
from forestall.model.target import CGROUP, Target
from tests.support.frames import MOMENT
from tests.support.guards import policy

RESTART = Deed("restart")
PATH_BYTES_MAX = 4096
"""PATH_MAX (limits.h): no cgroup can be reached by a longer path."""


def target(name: str) -> Target:
    """A cgroup of that name."""
    return Target(CGROUP, f"/{name}#7", f"/{name}", f"/{name}")


def action(name: str, number: int = 0) -> Action:
    """An action that restarts a cgroup of that name."""
    finding = Finding("step", target(name), Severity.CRITICAL, "used 94% of limit", (), 90.0, 1.0, "cgroup:/*", 0)
    return Action(f"a-{number}", finding.target, (RESTART,), finding, "cgroup:/*", 0, False, 10.0, 1.0)


def outcome(of: Action, words: str = "exit code 0") -> Outcome:
    """What came of its deed."""
    return Outcome(of.id, of.target, RESTART, DONE, words, 1.0, 0.5)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveState]:
    """A live state file of the test's own."""
    one = LiveState(str(tmp_path / "guard"))
    yield one
    one.close()


def written(live: LiveState) -> Ledger:
    """The ledger as a guard that starts now would find it."""
    found = read_state(live.path)
    assert found is not None
    return Ledger.decode(found[1]["ledger"])


def successor(live: LiveState) -> Intents:
    """The intents of the next guard on the same file."""
    next_one = LiveState(live.path)
    intents = Intents(next_one)
    next_one.close()
    return intents


def test_what_was_begun_is_in_the_file_before_anything_came_of_it(live: LiveState) -> None:
    """An intent with its words, step and target, beside the heartbeat and the guard's own facts."""
    intents = Intents(live)
    intents.began(action("api"), MOMENT)
    intents.write(MOMENT, watched=3)
    found = read_state(live.path)
    assert found is not None
    (intent,) = found[1]["ledger"]["running"]
    assert (intent["words"], intent["identity"], intent["deeds_left"]) == ("restart", "/api#7", 1)
    assert found[1]["heartbeat"] == {"boottime": MOMENT.boottime_seconds, "boot": MOMENT.boot_id}
    assert found[1]["watched"] == 3


def test_an_unfinished_intent_is_told_and_counts_as_done(live: LiveState, capfd: pytest.CaptureFixture[str]) -> None:
    """The guard after one that died in the middle says so once, and its cool-down keeps it from acting again."""
    begun = action("api")
    first = Intents(live)
    first.began(begun, MOMENT)
    first.write(MOMENT)
    intents = successor(live)
    later = MOMENT._replace(boottime_seconds=MOMENT.boottime_seconds + 10.0)
    intents.tell_of_unfinished(later)
    intents.tell_of_unfinished(later)
    said = capfd.readouterr().err.splitlines()
    assert said == ["forestall: an earlier guard had begun: restart /api; it counts as done"]
    assert intents.ledger.running == intents.ledger.unfinished == {}
    policies = {"/api#7": policy("cgroup:/*", do="restart")}
    choice = choose([begun.finding], intents.ledger, policies, later)
    assert choice.actions == ()
    assert "the last act on it was 10s ago" in choice.refusals[0].words


def test_a_finished_action_is_no_news_to_the_next_guard(live: LiveState, capfd: pytest.CaptureFixture[str]) -> None:
    """Its outcome and cool-down stay, and nothing is said."""
    first, done = Intents(live), action("api")
    first.began(done, MOMENT)
    first.ended(outcome(done), MOMENT)
    first.finished(done, MOMENT)
    first.write(MOMENT)
    intents = successor(live)
    intents.tell_of_unfinished(MOMENT)
    assert capfd.readouterr().err == ""
    assert list(intents.ledger.accounts) == ["/api#7"]
    found = read_state(live.path)
    assert found is not None
    assert [value(Outcome, one) for one in found[1]["outcomes"]] == [outcome(done)]


def test_outcomes_of_earlier_guards_are_carried_on(live: LiveState) -> None:
    """The last sixteen, whoever they were of."""
    for number in range(OUTCOMES_KEPT + 2):
        intents = successor(live) if number else Intents(live)
        intents.ended(outcome(action("api", number)), MOMENT)
        intents._live = live
        intents.write(MOMENT)
    found = read_state(live.path)
    assert found is not None
    assert [one["action_id"] for one in found[1]["outcomes"]] == [f"a-{2 + kept}" for kept in range(OUTCOMES_KEPT)]


def test_another_boot_begins_anew(live: LiveState, capfd: pytest.CaptureFixture[str]) -> None:
    """What ran before a reboot runs no more: no cool-down, and nothing to tell."""
    first = Intents(live)
    first.began(action("api"), MOMENT)
    first.write(MOMENT)
    intents = successor(live)
    intents.tell_of_unfinished(MOMENT._replace(boot_id="another", boottime_seconds=5.0))
    assert capfd.readouterr().err == ""
    assert intents.ledger.accounts == {}


@pytest.mark.parametrize("path_bytes", [40, 400, PATH_BYTES_MAX])
def test_too_much_is_shortened_and_the_newest_intent_is_never_lost(live: LiveState, path_bytes: int) -> None:
    """As many accounts as there may be, with paths as long as they may be: the last act is written all the same."""
    intents = Intents(live)
    for number in range(ACCOUNTS_MAX):
        done = action(f"{number:05}".ljust(path_bytes - 1, "x"), number)
        intents.began(done, MOMENT)
        intents.ended(outcome(done, "w" * 2000), MOMENT)
        intents.finished(done, MOMENT)
    last = action("last".ljust(path_bytes - 1, "x"), ACCOUNTS_MAX)
    intents.began(last, MOMENT)
    intents.write(MOMENT)
    ledger = written(live)
    assert list(ledger.unfinished) == [last.id]
    assert last.target.identity in ledger.accounts
    assert list(ledger.accounts) == list(intents.ledger.accounts)[-len(ledger.accounts) :]
    assert len(json.dumps(intents.ledger.encode())) > SLOT_BYTES, "there was nothing to shorten"


def test_many_intents_at_once_are_all_written(live: LiveState) -> None:
    """Half of all acts that may run at once leave room for themselves by leaving out accounts and outcomes."""
    intents = Intents(live)
    for number in range(INTENTS_MAX // 2):
        intents.began(action(f"api-{number:04}", number), MOMENT)
    for number in range(OUTCOMES_KEPT):
        intents.ended(outcome(action("else", number + 1000), "w" * 2000), MOMENT)
    intents.write(MOMENT)
    assert len(written(live).unfinished) == INTENTS_MAX // 2


@pytest.mark.parametrize("nonsense", [5, {"boot_id": 5}, {"boot_id": "b", "accounts": "x"}, None])
def test_a_damaged_ledger_is_said_and_begun_anew(
    live: LiveState, capfd: pytest.CaptureFixture[str], nonsense: object
) -> None:
    """Nonsense of the right form costs the cool-downs, not the guard."""
    live.write({"ledger": nonsense, "outcomes": 7})
    assert successor(live).ledger.accounts == {}
    assert "cool-downs begin anew" in capfd.readouterr().err


def test_a_minimal_capture_gets_a_number_and_one_without_room_is_said(
    live: LiveState, capfd: pytest.CaptureFixture[str]
) -> None:
    """It lies in the file with its finding; what does not fit a slot is refused in words and no exception."""
    intents, why = Intents(live), action("api").finding
    kept = Capture("a-1-minimal", target("api"), 1.0, 2.0, "why", 5, minimal=True, pieces=(Piece("top", "x"),))
    number = intents.keep_capture(kept, why)
    ((found_number, content),) = read_captures(live.path)
    assert number == found_number
    assert value(Capture, content["capture"]) == kept
    assert value(Finding, content["finding"]) == why
    assert intents.keep_capture(kept._replace(pieces=(Piece("top", "x" * SLOT_BYTES),)), why) is None
    assert "minimal capture of /api" in capfd.readouterr().err


def test_a_file_that_refuses_is_said_and_survived(live: LiveState, capfd: pytest.CaptureFixture[str]) -> None:
    """A write that the kernel refuses is told on standard error; the guard goes on."""
    intents = Intents(live)
    writable = live._fd
    live._fd = os.open(live.path, os.O_RDONLY | os.O_CLOEXEC)
    intents.write(MOMENT)
    os.close(live._fd)
    live._fd = writable
    assert "forestall: live state:" in capfd.readouterr().err
