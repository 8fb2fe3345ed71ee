"""The guard's hands at work on real cgroups: written down before, one at a time, and told after."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forestall.agent.deeds import Deeds
from forestall.agent.intents import Intents
from forestall.agent.livestate import LiveState, read_captures, read_state
from forestall.agent.voice import Voice
from forestall.engine.host import host_reading
from forestall.engine.ledger import Ledger
from forestall.engine.tick import State, Ticked
from forestall.model.action import CALLED_OFF, DONE, FAILED, Action, Outcome
from forestall.model.capture import MINIMAL_BYTES_MAX, Capture
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.frame import Moment, Reading
from forestall.model.plain import value
from forestall.model.policy import Policy
from forestall.model.target import Target
from forestall.parse import condition
from tests.support.guards import Onlooker, onlooker, open_descriptors, policy, stranger
from tests.support.processes import HEEDS_TERM, IGNORES_TERM, gone, python, wait_until
from tests.support.scratch import ScratchCgroup

pytestmark = pytest.mark.live

MIB = 2**20
COPIES_AT_TERM = """
import shutil, signal, sys, time
def copy(*_):
    shutil.copy(sys.argv[1], sys.argv[2])
    sys.exit(0)
signal.signal(signal.SIGTERM, copy)
print('up', flush=True)
time.sleep(60)
"""


class Follower:
    """A story that remembers."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tick(self, _moment: Moment, _readings: tuple[Reading, ...], _ticked: Ticked) -> None:
        """Looks are the guard's to tell."""

    def tell(self, message: dict[str, Any]) -> None:
        """Remember."""
        self.told.append(message)


class Bench:
    """Deeds with a real gaze on one cgroup, a live state file, and a follower instead of a recorder."""

    def __init__(self, directory: Path, group: ScratchCgroup, one: Onlooker) -> None:
        self.group = group
        self.onlooker = one
        self.path = str(directory / "guard")
        self.live = LiveState(self.path)
        self.intents = Intents(self.live)
        self.voice = Voice(None)
        self.story = self.voice.story = Follower()
        self.state = State()
        self.deeds = Deeds(one.gaze, self.voice, self.intents, self.state)
        one.until(lambda: (watch := one.watch(group.path)) and watch.reading)
        self.target = self.reading.target
        self._actions = 0

    @property
    def reading(self) -> Reading:
        """The target as it was last seen."""
        watch = self.onlooker.watch(self.group.path)
        assert watch is not None
        assert watch.reading is not None
        return watch.reading

    def action(self, *words: str, target: Target | None = None, **fields: Any) -> Action:
        """An action of these deeds on the cgroup, decided now."""
        self._actions += 1
        target = self.target if target is None else target
        evidence = (Evidence("used", float(self.reading.used_bytes), "bytes", "memory.stat"),)
        finding = Finding("step", target, Severity.CRITICAL, "used 94% of limit", evidence, 1.0, 1.0, "cgroup:/*", 0)
        deeds = condition.deeds(list(words))
        one = Action(f"a-{self._actions}", target, deeds, finding, "cgroup:/*", 0, False, 5.0, 1.0)
        return one._replace(**fields)

    def until(self, question: Callable[[], object], seconds: float = 10.0) -> None:
        """Look and go on, as the guard does, until the answer is yes."""

        def turned() -> object:
            self.onlooker.gaze.look()
            self.deeds.go_on()
            return question()

        wait_until(turned, seconds)

    def play(self, action: Action) -> list[tuple[str, str]]:
        """Carry an action out: (verb, result) of its deeds."""
        before = len(self.outcomes())
        self.deeds.begin(action)
        self.until(lambda: not self.deeds.running)
        return self.outcomes()[before:]

    def outcomes(self) -> list[tuple[str, str]]:
        """(verb, result) of what has been told."""
        told = [value(Outcome, message["outcome"]) for message in self.story.told if message["k"] == "outcome"]
        return [(outcome.deed.verb, outcome.result) for outcome in told]

    def kinds(self) -> list[str]:
        """Kinds of what has been told."""
        return [message["k"] for message in self.story.told]

    def close(self) -> None:
        """Let everything go."""
        self.deeds.close()
        self.live.close()


def from_outside(path: str | Path) -> dict[str, Any]:
    """The live state as another process reads it."""
    found = read_state(str(path))
    assert found is not None
    return found[1]


@pytest.fixture
def benches(tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]) -> Iterator[Callable[..., Bench]]:
    """Makes a bench for a policy's fields (`command`, `restart`, `grace_seconds`)."""
    group = scratch_cgroup(64 * MIB)
    made: list[tuple[Bench, Any]] = []

    def make(**fields: Any) -> Bench:
        rule: Policy = policy(f"cgroup:{group.path}", **fields)
        held = onlooker(rule)
        made.append((Bench(tmp_path, group, held.__enter__()), held))
        return made[-1][0]

    yield make
    for one, held in made:
        one.close()
        held.__exit__(None, None, None)


def test_the_intent_is_written_before_the_deed(benches: Callable[..., Bench], tmp_path: Path) -> None:
    """A command that copies the live state finds the intent to run it there, and afterwards its outcome."""
    seen = tmp_path / "seen"
    bench = benches(command=("cp", str(tmp_path / "guard"), str(seen)))
    assert bench.play(bench.action("command")) == [("command", DONE)]
    (intent,) = from_outside(seen)["ledger"]["running"]
    assert (intent["identity"], intent["words"]) == (bench.target.identity, "command")
    assert from_outside(seen)["outcomes"] == []
    after = from_outside(bench.path)
    assert after["ledger"]["running"] == []
    assert [one["deed"]["verb"] for one in after["outcomes"]] == ["command"]
    assert Ledger.decode(after["ledger"]).accounts.keys() == {bench.target.identity}


def test_a_minimal_capture_lies_in_the_live_state_when_the_signal_comes(
    benches: Callable[..., Bench], tmp_path: Path
) -> None:
    """The process that is stopped finds its own story there: cgroup files, itself among the largest, and the reason."""
    bench, seen = benches(), tmp_path / "seen"
    with stranger(bench.group, python(COPIES_AT_TERM, bench.path, str(seen))) as victim:
        assert bench.play(bench.action("terminate")) == [("terminate", DONE)]
        assert gone(victim.pid)
    (intent,) = from_outside(seen)["ledger"]["running"]
    assert intent["words"] == "terminate"
    ((number, content),) = read_captures(str(seen))
    capture = value(Capture, content["capture"])
    assert (capture.target, capture.minimal, capture.why) == (bench.target, True, "used 94% of limit")
    pieces = {piece.name: piece.text for piece in capture.pieces}
    assert "total_rss" in pieces["memory.stat"]
    assert str(victim.pid) in pieces["top"]
    assert sum(len(text) for text in pieces.values()) <= MINIMAL_BYTES_MAX
    assert {"k": "minimal", "number": number} == {
        key: message[key] for message in bench.story.told if message["k"] == "minimal" for key in ("k", "number")
    }


def test_one_action_at_a_time_on_a_target(benches: Callable[..., Bench]) -> None:
    """A second one is refused in words while the first runs, and the first goes on to its own end."""
    bench = benches(command=("sleep", "0.3"))
    first = bench.action("command")
    bench.deeds.begin(first)
    bench.deeds.go_on()
    assert len(bench.deeds.fds) == 1
    bench.deeds.begin(bench.action("terminate"))
    assert [running.action.id for running in bench.deeds.running.values()] == [first.id]
    assert bench.kinds().count("refusal") == 1
    bench.until(lambda: not bench.deeds.running)
    assert bench.outcomes() == [("command", DONE)]
    assert from_outside(bench.path)["ledger"]["running"] == []
    assert bench.deeds.fds == set()


def test_two_targets_are_acted_upon_side_by_side(
    benches: Callable[..., Bench], tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """A command that takes its time on one does not hold up the stop of another."""
    slow = benches(command=("sleep", "5"))
    other = scratch_cgroup(64 * MIB)
    with onlooker(policy(f"cgroup:{other.path}")) as one, stranger(other, python(HEEDS_TERM)) as victim:
        one.until(lambda: (watch := one.watch(other.path)) and watch.reading)
        (identity,) = one.gaze.watches
        slow.onlooker.gaze.watches[identity] = one.gaze.watches[identity]
        watched = one.gaze.watches[identity].reading
        assert watched is not None
        slow.deeds.begin(slow.action("command"))
        slow.deeds.go_on()
        slow.deeds.begin(slow.action("terminate", target=watched.target))
        began = time.monotonic()
        slow.until(lambda: identity not in slow.deeds.running)
        assert time.monotonic() - began < 2.0
        assert gone(victim.pid)
        assert slow.outcomes() == [("terminate", DONE)]
        assert list(slow.deeds.running) == [slow.target.identity]
        del slow.onlooker.gaze.watches[identity]


def test_the_host_can_only_be_told_of(benches: Callable[..., Bench]) -> None:
    """Without a victim an action on the host notifies and does nothing else: no intent, no signal, no outcome."""
    bench = benches()
    gaze = bench.onlooker.gaze
    host = host_reading(gaze.host, gaze.moment).target
    with stranger(bench.group, python(HEEDS_TERM)) as spared:
        bench.deeds.begin(bench.action("notify", "terminate", target=host))
        assert bench.deeds.running == {}
        assert [(message["k"], message["notify"]) for message in bench.story.told] == [
            ("finding", False), ("finding", True)
        ]  # fmt: skip
        bench.deeds.begin(bench.action("terminate", target=host))
        assert len(bench.story.told) == 3
        time.sleep(0.1)
        assert not gone(spared.pid)
    assert bench.intents.ledger.running == {}


def test_a_target_that_goes_away_in_the_middle_is_called_off(benches: Callable[..., Bench]) -> None:
    """Removed between the decision and the deed: nothing is signalled, the action is over and written as over."""
    bench = benches()
    action = bench.action("terminate")
    bench.group.remove()
    assert bench.play(action) == [("terminate", CALLED_OFF)]
    assert from_outside(bench.path)["ledger"]["running"] == []


def test_a_stop_that_was_done_begins_a_new_past(benches: Callable[..., Bench]) -> None:
    """After it neither the rate nor the trend of what was stopped is believed any more; after a failure they are."""
    bench = benches(command=("false",))
    watch = bench.onlooker.watch(bench.group.path)
    assert watch is not None
    assert bench.play(bench.action("command")) == [("command", FAILED)]
    assert watch.seen_at > float("-inf")
    with stranger(bench.group, python(HEEDS_TERM)):
        bench.deeds.begin(bench.action("terminate"))
        while bench.deeds.running:  # without a look between, which would be the new past's first
            bench.deeds.go_on()
            time.sleep(0.01)
    assert bench.outcomes()[-1] == ("terminate", DONE)
    assert watch.seen_at == float("-inf")


def test_a_capture_is_asked_for_and_waited_for_until_it_is_told_done(benches: Callable[..., Bench]) -> None:
    """While the recorder captures the stop waits; the word that it is done, or five seconds, lets it go on."""
    bench = benches()
    bench.deeds.begin(bench.action("capture", "terminate"))
    (asked,) = [message for message in bench.story.told if message["k"] == "capture"]
    assert asked["action"] == "a-1"
    until = bench.deeds.capturing_until(bench.target.identity)
    assert until is not None
    assert 4.0 < until - bench.onlooker.gaze.moment.boottime_seconds <= 5.0
    assert bench.deeds.capturing_until("/another#1") is None
    for _ in range(3):
        bench.deeds.go_on()
    assert bench.outcomes() == [("capture", DONE)]
    bench.deeds.captured("a-1")
    assert bench.deeds.capturing_until(bench.target.identity) is None
    bench.until(lambda: not bench.deeds.running)
    assert bench.outcomes() == [("capture", DONE), ("terminate", DONE)]


def test_a_hand_stands_ready_and_a_dead_one_is_replaced(benches: Callable[..., Bench]) -> None:
    """The hand that was forked ahead takes the job; killed while it waited, another does."""
    bench = benches(command=("true",))
    bench.deeds.stand_ready()
    assert bench.deeds._hand is not None
    ahead = bench.deeds._hand.pid
    bench.deeds.begin(bench.action("command"))
    bench.deeds.go_on()
    (running,) = bench.deeds.running.values()
    assert running._hand is not None
    assert running._hand.pid == ahead
    bench.until(lambda: not bench.deeds.running)
    waiting = bench.deeds._hand
    waiting._child.held.signal(signal.SIGKILL)
    wait_until(lambda: gone(waiting.pid))
    assert bench.play(bench.action("command")) == [("command", DONE)]


def test_closing_in_the_middle_lets_the_target_and_the_hand_go(benches: Callable[..., Bench]) -> None:
    """A guard that ends while it stops a stubborn process leaves no lock and no descriptor; the intent stays told."""
    bench = benches(grace_seconds=30.0)
    with stranger(bench.group, python(IGNORES_TERM)) as victim:
        before = open_descriptors()
        bench.deeds.begin(bench.action("terminate"))
        bench.deeds.go_on()
        assert open_descriptors() > before
        bench.deeds.close()
        assert open_descriptors() == before
        assert not gone(victim.pid)
    assert len(from_outside(bench.path)["ledger"]["running"]) == 1
