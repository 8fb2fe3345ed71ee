"""Steps of a policy: one deed that cannot be taken back makes the step so."""

from __future__ import annotations

from forestall.model.action import Deed
from forestall.model.condition import RATIO_OF_LIMIT, Comparison
from forestall.model.policy import Policy, Step

ABOVE_92_PERCENT = Comparison("used", ">", 0.92, RATIO_OF_LIMIT)


def step(*verbs: str) -> Step:
    """A step at 92 % of the limit that does `verbs`."""
    return Step(ABOVE_92_PERCENT, tuple(Deed(verb) for verb in verbs), "used > 92% of limit")


def test_one_irreversible_deed_makes_the_step_irreversible() -> None:
    """A step that captures and then restarts is as grave as the restart."""
    assert step("notify", "capture", "restart").irreversible
    assert not step("notify", "capture").irreversible
    assert not step().irreversible


def test_a_policy_without_steps_touches_nothing() -> None:
    """What is not written in the configuration is not done: no step, no dry run to hide behind, no victim."""
    policy = Policy("unit:*")
    assert (policy.steps, policy.victim, policy.restart, policy.command) == ((), False, (), ())
