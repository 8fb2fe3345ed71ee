"""Which of the steps that fired is carried out: at most one action per target, and never against the brakes.

Brakes, in this order: what already runs on the target, a pause, `protect`, the cool-down, the hourly budget. They
hold back what cannot be undone; notify and capture go on beside. Every refusal is a sentence with its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from forestall.engine.ladder import STEP, STEP_AGAIN
from forestall.engine.ledger import HOUR_SECONDS, Ledger
from forestall.engine.pace import grace_seconds
from forestall.model.action import SIDE_VERBS, STOPPING_VERBS, Action, Deed
from forestall.model.finding import Finding
from forestall.model.frame import Moment
from forestall.model.policy import Policy, Step
from forestall.model.target import Target
from forestall.model.units import format_duration

__all__ = ["Choice", "Ledger", "Refusal", "choose"]

RETRY_SECONDS: Final = 1.0
"""When something else runs on the target, the step is offered again after this long."""


class Refusal(NamedTuple):
    """What was not done and why, in `words`. `until_boottime_seconds`: when the brake lets go (None: not by itself)."""

    target: Target
    policy: str
    step: int
    words: str
    until_boottime_seconds: float | None


class Choice(NamedTuple):
    """What is to be done now, and what is not."""

    actions: tuple[Action, ...]
    refusals: tuple[Refusal, ...]


class _Fired(NamedTuple):
    """A finding of a step, with that step."""

    finding: Finding
    step: Step

    @property
    def harshness(self) -> tuple[bool, int]:
        return self.step.irreversible, self.finding.step


class _Brake(NamedTuple):
    words: str
    until_boottime_seconds: float | None


def choose(
    findings: Iterable[Finding],
    ledger: Ledger,
    policies: Mapping[str, Policy],
    moment: Moment,
    *,
    paused: bool = False,
) -> Choice:
    """Pick at most one action per target out of the findings of steps; other findings are passed over.

    `policies` by target identity. The ledger is read, and turned to the moment's boot; `began` books an action.
    """
    ledger.turn_to(moment)
    fired: dict[str, list[_Fired]] = {}
    for finding in findings:
        step = _step(finding, policies)
        if step is not None and finding.target.identity in policies:
            fired.setdefault(finding.target.identity, []).append(_Fired(finding, step))
    actions: list[Action] = []
    refusals: list[Refusal] = []
    for identity, steps in fired.items():
        action = _one(steps, ledger, policies[identity], moment, paused, refusals, len(actions))
        if action is not None:
            actions.append(action)
    return Choice(tuple(actions), tuple(refusals))


def _step(finding: Finding, policies: Mapping[str, Policy]) -> Step | None:
    """The step that a finding tells of: of the target's own policy, or of the host's, which picks a victim."""
    if finding.rule not in (STEP, STEP_AGAIN):
        return None
    own = policies.get(finding.target.identity)
    candidates = [own] if own is not None and own.match == finding.policy else policies.values()
    for policy in candidates:
        if policy.match == finding.policy and 0 <= finding.step < len(policy.steps):
            return policy.steps[finding.step]
    return None


def _one(
    fired: list[_Fired],
    ledger: Ledger,
    policy: Policy,
    moment: Moment,
    paused: bool,
    refusals: list[Refusal],
    number: int,
) -> Action | None:
    """The one action for one target, or None; what is refused is appended to `refusals`."""
    fired = sorted(fired, key=lambda one: one.harshness)
    harshest = fired[-1]
    deeds = list(_side_deeds(fired))
    brake: _Brake | None = None
    if harshest.step.irreversible:
        brake = _brake(harshest, ledger, policy, moment, paused)
        if brake is None:
            deeds += [deed for deed in harshest.step.deeds if deed.verb not in SIDE_VERBS]
        else:
            refusals.append(_refusal(harshest, _words(harshest.step.deeds), brake))
    if not deeds:
        return None
    harsh = any(deed.irreversible for deed in deeds)
    busy = None if harsh else _busy(harshest, ledger, moment)
    if busy is not None:
        refusals.append(_refusal(harshest, _words(deeds), busy))
        return None
    return Action(
        id=f"{moment.boot_id[:8]}-{int(moment.boottime_seconds * 1000)}-{number}",
        target=harshest.finding.target,
        deeds=tuple(deeds),
        finding=harshest.finding,
        policy=harshest.finding.policy,
        step=harshest.finding.step,
        dry_run=policy.dry_run,
        grace_seconds=grace_seconds(policy.grace_seconds, harshest.finding),
        at_boottime_seconds=moment.boottime_seconds,
        reasons_others_lost=_lost(fired, harshest, brake),
    )


def _side_deeds(fired: Sequence[_Fired]) -> Iterable[Deed]:
    """notify and capture of all steps that fired, each verb once, with the arguments of all.

    A step that fires again after a refusal had its notify and capture the first time.
    """
    arguments: dict[str, dict[str, None]] = {}
    for one in fired:
        for deed in one.step.deeds:
            if deed.verb in SIDE_VERBS and one.finding.rule == STEP:
                arguments.setdefault(deed.verb, {}).update(dict.fromkeys(deed.arguments))
    return [Deed(verb, tuple(words)) for verb, words in arguments.items()]


def _brake(one: _Fired, ledger: Ledger, policy: Policy, moment: Moment, paused: bool) -> _Brake | None:
    """What holds back a step that cannot be undone, None if nothing does."""
    now = moment.boottime_seconds
    identity = one.finding.target.identity
    for intent in ledger.running_on(identity, now):
        if intent.harsh:
            ago = format_duration(now - intent.began_boottime_seconds)
            return _Brake(f"{intent.words} has been running on it for {ago}", now + RETRY_SECONDS)
    if paused:
        return _Brake("acting is paused", now + RETRY_SECONDS)
    if policy.protect:
        return _Brake("it is protected", None)
    account = ledger.accounts.get(identity)
    stopping = any(deed.verb in STOPPING_VERBS for deed in one.step.deeds)
    milder = account is not None and not account.stopped and stopping
    if account is not None and not milder and now - account.acted_boottime_seconds < policy.cooldown_seconds:
        ago = format_duration(now - account.acted_boottime_seconds)
        cooldown = format_duration(policy.cooldown_seconds)
        until = account.acted_boottime_seconds + policy.cooldown_seconds
        return _Brake(f"the last act on it was {ago} ago and its cool-down is {cooldown}", until)
    acts = ledger.acts_within_hour(identity, now)
    if len(acts) >= policy.acts_per_hour_max:
        words = f"{len(acts)} acts on it within the last hour, {policy.acts_per_hour_max} are allowed"
        return _Brake(words, acts[-policy.acts_per_hour_max] + HOUR_SECONDS if policy.acts_per_hour_max > 0 else None)
    return None


def _busy(one: _Fired, ledger: Ledger, moment: Moment) -> _Brake | None:
    """What keeps a notify or capture waiting: an act on the target, or the same or a harsher step's side verbs."""
    now = moment.boottime_seconds
    for intent in ledger.running_on(one.finding.target.identity, now):
        if intent.harsh or intent.step >= one.finding.step:
            ago = format_duration(now - intent.began_boottime_seconds)
            return _Brake(f"{intent.words} has been running on it for {ago}", now + RETRY_SECONDS)
    return None


def _refusal(one: _Fired, deeds: str, brake: _Brake) -> Refusal:
    finding = one.finding
    words = f"{deeds} of {finding.target.name} (step {finding.step + 1} of {finding.policy}) refused: {brake.words}"
    return Refusal(finding.target, finding.policy, finding.step, words, brake.until_boottime_seconds)


def _lost(fired: Sequence[_Fired], harshest: _Fired, brake: _Brake | None) -> tuple[str, ...]:
    """Why the other steps, or a part of this one, are not carried out."""
    reasons = [
        f"step {one.finding.step + 1} of {one.finding.policy} ({_words(one.step.deeds)}): "
        f"milder than step {harshest.finding.step + 1}, its notify and capture run along"
        for one in fired
        if one is not harshest
    ]
    if brake is not None:
        reasons.append(f"{_words(harshest.step.deeds)}: {brake.words}")
    return tuple(reasons)


def _words(deeds: Iterable[Deed]) -> str:
    return ", ".join(" ".join((deed.verb, *deed.arguments)) for deed in deeds)
