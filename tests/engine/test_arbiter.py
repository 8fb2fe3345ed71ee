"""One action per target, and never against the brakes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.engine.arbiter import Choice, Ledger, choose
from forestall.engine.ladder import STEP, STEP_AGAIN
from forestall.engine.pace import TIME_LEFT_NOW
from forestall.model.action import DONE, Action, Deed, Outcome
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.policy import Policy
from forestall.model.target import UNIT, Target
from tests.support.judgement import moment, policy

LADDER: list[tuple[str, list[str]]] = [
    ("used > 70% of limit", ["notify"]),
    ("used > 80% of limit", ["notify", "capture heap"]),
    ("used > 92% of limit", ["capture goroutines", "restart"]),
]


def target(name: str = "api.service") -> Target:
    """A unit of that name."""
    return Target(UNIT, f"/{name}#1", name, f"/{name}")


def finding(step: int, of: Target | None = None, **changes: Any) -> Finding:
    """A step that fired."""
    one = Finding(STEP, of or target(), Severity.CRITICAL, "", (), 0.0, policy="unit:*", step=step)
    return one._replace(**changes)


def chosen(
    steps: list[int], ledger: Ledger | None = None, seconds: float = 1000.0, paused: bool = False, **changes: Any
) -> Choice:
    """What is chosen when these steps of the ladder fire on one service."""
    policies = {target().identity: policy(*LADDER, **changes)}
    return choose([finding(step) for step in steps], ledger or Ledger(), policies, moment(seconds), paused=paused)


def verbs(choice: Choice) -> list[str]:
    """What the one action does."""
    (action,) = choice.actions
    return [deed.verb for deed in action.deeds]


def acted(at: list[float], *, ended: bool = True) -> Ledger:
    """A ledger of restarts at these times."""
    ledger = Ledger()
    for number, seconds in enumerate(at):
        restart = Action(f"r{number}", target(), (Deed("restart"),), finding(2), "unit:*", 2, False, 10.0, seconds)
        ledger.began(restart, moment(seconds))
        if ended or number < len(at) - 1:
            ledger.ended(Outcome(restart.id, target(), Deed("restart"), DONE, "", seconds, 1.0), moment(seconds))
    return ledger


def test_the_harshest_runs_and_the_milder_ones_side_verbs_with_it() -> None:
    """One action: notify and capture first, each once with the arguments of all, then the restart."""
    (action,) = chosen([0, 1, 2]).actions
    assert action.deeds == (Deed("notify"), Deed("capture", ("heap", "goroutines")), Deed("restart"))
    assert (action.step, action.policy) == (2, "unit:*")
    assert len(action.reasons_others_lost) == 2
    assert "milder than step 3" in action.reasons_others_lost[0]


def test_every_target_has_its_own_action() -> None:
    """Two services in trouble are two actions with different names."""
    policies = {target(name).identity: policy(*LADDER) for name in ("a", "b")}
    choice = choose([finding(2, target("a")), finding(2, target("b"))], Ledger(), policies, moment(10.0))
    assert [action.target.name for action in choice.actions] == ["a", "b"]
    assert len({action.id for action in choice.actions}) == 2


def test_findings_of_rules_are_no_orders() -> None:
    """Without a policy's step nothing is done, whatever a rule found; nor for an unknown target, policy or step."""
    policies = {target().identity: policy(*LADDER)}
    others = [
        finding(0, rule="cgroup_near_limit"),
        finding(0, rule="step-withheld"),
        finding(0, target("unknown")),
        finding(9),
        finding(-1),
        finding(0, policy="other"),
    ]
    assert choose(others, Ledger(), policies, moment(10.0)) == Choice((), ())


def test_a_protected_target_is_told_of_and_not_touched() -> None:
    """notify and capture go on; the restart is refused for good."""
    choice = chosen([1, 2], protect=True)
    assert verbs(choice) == ["notify", "capture"]
    assert choice.refusals[0].until_boottime_seconds is None
    assert "it is protected" in choice.refusals[0].words


def test_a_pause_holds_back_what_cannot_be_undone() -> None:
    """While acting is paused, notify and capture go on, and the step is offered again soon."""
    choice = chosen([2], paused=True)
    assert verbs(choice) == ["capture"]
    assert "paused" in choice.refusals[0].words
    assert choice.refusals[0].until_boottime_seconds == 1001.0


def test_the_cool_down_refuses_with_its_numbers() -> None:
    """Two minutes after a restart the next one waits for the five to be over, and then is carried out."""
    early = chosen([2], acted([880.0]))
    assert verbs(early) == ["capture"]
    (refusal,) = early.refusals
    assert refusal.words == (
        "capture goroutines, restart of api.service (step 3 of unit:*) refused: "
        "the last act on it was 2m ago and its cool-down is 5m"
    )
    assert refusal.until_boottime_seconds == 1180.0
    assert verbs(chosen([2], acted([880.0]), seconds=1180.0)) == ["capture", "restart"]


def test_the_budget_of_an_hour_is_kept() -> None:
    """Six acts within the hour are the most; the seventh waits until the first is an hour old."""
    ledger = acted([1000.0 + 400.0 * number for number in range(6)])
    (refusal,) = chosen([2], ledger, seconds=4000.0).refusals
    assert "6 acts on it within the last hour, 6 are allowed" in refusal.words
    assert refusal.until_boottime_seconds == 4600.0
    assert verbs(chosen([2], ledger, seconds=4600.0)) == ["capture", "restart"]
    assert chosen([2], acts_per_hour_max=0).refusals[0].until_boottime_seconds is None


def test_one_action_at_a_time() -> None:
    """While a restart runs, neither another one nor a capture is begun."""
    ledger = acted([990.0], ended=False)
    choice = chosen([2], ledger)
    assert choice.actions == ()
    assert "restart has been running on it for 10s" in choice.refusals[0].words
    assert chosen([0], ledger).actions == ()


def test_a_capture_never_holds_up_a_restart() -> None:
    """What runs beside blocks the same step's side verbs and milder ones, never a harsher one."""
    ledger = Ledger()
    (mild,) = chosen([1], ledger, seconds=990.0).actions
    ledger.began(mild, moment(990.0))
    assert verbs(chosen([2], ledger)) == ["capture", "restart"]
    assert chosen([0], ledger).actions == ()
    assert chosen([1], ledger).actions == ()


def test_a_step_that_comes_again_does_not_notify_again() -> None:
    """What had been refused had its notify and capture the first time."""
    policies = {target().identity: policy(*LADDER)}
    again = choose([finding(2, rule=STEP_AGAIN)], Ledger(), policies, moment(10.0))
    assert verbs(again) == ["restart"]
    refused = choose([finding(2, rule=STEP_AGAIN)], acted([9.0]), policies, moment(10.0))
    assert refused.actions == ()
    assert len(refused.refusals) == 1


def test_a_dry_run_is_marked_and_cools_down_like_an_act() -> None:
    """It shows what would be done, and how often."""
    (action,) = chosen([2], dry_run=True).actions
    assert action.dry_run
    ledger = Ledger()
    ledger.began(action, moment(1000.0))
    ledger.finish(action.id, moment(1000.0))
    assert chosen([2], ledger, seconds=1100.0, dry_run=True).refusals


def test_the_grace_fits_into_the_time_left() -> None:
    """At full speed towards the limit a stop does not wait ten seconds."""
    policies = {target().identity: policy(*LADDER)}
    near = finding(2, evidence=(Evidence(TIME_LEFT_NOW, 2.25, "seconds", "test"),))
    (action,) = choose([near], Ledger(), policies, moment(10.0)).actions
    assert action.grace_seconds == 2.0


def test_the_hosts_step_on_its_victim_keeps_to_the_victims_brakes() -> None:
    """The deeds are the host policy's, the cool-down, dry run and protection those of the service."""
    policies = {
        "b00t": policy(("headroom < 1GiB", ["terminate"]), match="host"),
        target().identity: policy(victim=True, dry_run=True, match="unit:api*"),
    }
    order = finding(0, policy="host")
    (action,) = choose([order], Ledger(), policies, moment(1000.0)).actions
    assert (action.deeds, action.dry_run) == ((Deed("terminate"),), True)
    assert choose([order], acted([900.0]), policies, moment(1000.0)).actions == ()


# -- properties: whatever the findings --------------------------------------------------------------------------

NAMES = ("a", "b", "c")
WORDS = st.lists(
    st.sampled_from(["notify", "capture", "capture heap", "terminate", "restart", "command"]), min_size=1, max_size=3
)
POLICIES = st.builds(
    lambda ladder, protect, cooldown, budget: policy(
        *[("used > 90% of limit", words) for words in ladder],
        protect=protect,
        cooldown_seconds=cooldown,
        acts_per_hour_max=budget,
    ),
    st.lists(WORDS, min_size=1, max_size=3),
    st.booleans(),
    st.floats(0.0, 600.0),
    st.integers(0, 6),
)
TICKS = st.lists(
    st.tuples(
        st.floats(0.0, 400.0),
        st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-1, 3)), max_size=5),
        st.booleans(),
    ),
    max_size=25,
)


@given(st.lists(POLICIES, min_size=3, max_size=3), TICKS)
def test_no_second_act_within_a_cool_down_and_none_on_the_protected(
    ladders: list[Policy], ticks: list[tuple[float, list[tuple[str, int]], bool]]
) -> None:
    """Over any course of findings: one action per target at a time, the cool-down kept, the protected untouched."""
    policies = {target(name).identity: ladder for name, ladder in zip(NAMES, ladders, strict=True)}
    ledger, now = Ledger(), 10_000.0
    harsh_at: dict[str, list[float]] = {name: [] for name in NAMES}
    running: list[Action] = []
    for gap, fired, ends in ticks:
        now += gap
        if ends:
            for action in running:
                ledger.finish(action.id, moment(now))
            running.clear()
        choice = choose([finding(step, target(name)) for name, step in fired], ledger, policies, moment(now))
        assert len({action.target.identity for action in choice.actions}) == len(choice.actions)
        for action in choice.actions:
            ledger.began(action, moment(now))
            running.append(action)
            if any(deed.irreversible for deed in action.deeds):
                harsh_at[action.target.name].append(now)
    for name, ladder in zip(NAMES, ladders, strict=True):
        times = harsh_at[name]
        if ladder.protect or ladder.acts_per_hour_max == 0:
            assert times == []
        for earlier, later in pairwise(times):
            assert later - earlier >= ladder.cooldown_seconds
        for first in times:
            assert sum(first <= time < first + 3600.0 for time in times) <= ladder.acts_per_hour_max


@pytest.mark.parametrize("cooldown_seconds", [0.0, 300.0])
def test_a_restarted_guard_does_not_act_twice(cooldown_seconds: float) -> None:
    """Killed between intent and act: the new guard finds the act done and the cool-down running."""
    policies = {target().identity: policy(*LADDER, cooldown_seconds=cooldown_seconds)}
    ledger = Ledger()
    (action,) = choose([finding(2)], ledger, policies, moment(1000.0)).actions
    ledger.began(action, moment(1000.0))
    after = Ledger.decode(ledger.encode())
    again = choose([finding(2)], after, policies, moment(1001.0))
    assert list(after.unfinished) == [action.id]
    restarts = [one for one in again.actions if Deed("restart") in one.deeds]
    assert bool(restarts) is (cooldown_seconds == 0.0)


def test_a_mere_command_does_not_hold_back_a_stop() -> None:
    """The cool-down of a mild step's command must not let the harsher step, and then the kernel, have its way."""
    ladder = policy(
        ("used > 60% of limit", ["command"]), ("used > 85% of limit", ["terminate"]), cooldown_seconds=300.0
    )
    policies, ledger = {target().identity: ladder}, Ledger()
    (mild,) = choose([finding(0)], ledger, policies, moment(1000.0)).actions
    ledger.began(mild, moment(1000.0))
    ledger.finish(mild.id, moment(1001.0))
    (harsh,) = choose([finding(1)], ledger, policies, moment(1002.0)).actions
    ledger.began(harsh, moment(1002.0))
    ledger.finish(harsh.id, moment(1003.0))
    assert choose([finding(1)], ledger, policies, moment(1004.0)).actions == ()


def test_what_was_called_off_costs_nothing() -> None:
    """Neither cool-down nor budget is spent by an action that was given up before anything was done."""
    policies, ledger = {target().identity: policy(*LADDER, cooldown_seconds=300.0)}, Ledger()
    (action,) = choose([finding(2)], ledger, policies, moment(1000.0)).actions
    ledger.began(action, moment(1000.0))
    ledger.forgo(action.id)
    assert choose([finding(2)], ledger, policies, moment(1001.0)).actions != ()
