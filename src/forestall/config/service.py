"""A `[[service]]` table and its steps as a Policy: which keys there are, and what has to fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from forestall.config import match
from forestall.config.keys import DURATION, TEXT, TEXTS, TRUTH, WHOLE, Key
from forestall.model.errors import Malformed
from forestall.model.policy import Policy, Step
from forestall.model.target import CONTAINER, HOST, UNIT
from forestall.parse import condition

Complain = Callable[[str, str], None]
"""Told the key ("" = the table) and what is wrong with it."""

RESTARTABLE: Final = frozenset({UNIT, CONTAINER, HOST})
"""Kinds whose restart is known by itself; on the host the chosen victim's own is used."""

SERVICE_KEYS: Final = {
    key.name: key
    for key in (
        Key("match", "match", TEXT, required=True),
        Key("protect", "protect", TRUTH, required=False),
        Key("dry_run", "dry_run", TRUTH, required=False),
        Key("grace", "grace_seconds", DURATION, required=False),
        Key("cooldown", "cooldown_seconds", DURATION, required=False),
        Key("max_acts_per_hour", "acts_per_hour_max", WHOLE, required=False),
        Key("victim", "victim", TRUTH, required=False),
        Key("restart", "restart", TEXTS, required=False),
        Key("command", "command", TEXTS, required=False),
        Key("go", "go", TEXT, required=False),
        Key("tripwire", "tripwire", TRUTH, required=False),
    )
}
STEP_KEYS: Final = {
    key.name: key for key in (Key("when", "when", TEXT, required=True), Key("do", "do", TEXTS, required=True))
}


def policy(fields: Mapping[str, Any], steps: tuple[Step, ...]) -> Policy:
    """The policy of a table whose keys are sound."""
    return Policy(steps=steps, **fields)


def step(fields: Mapping[str, Any], complain: Complain) -> Step | None:
    """One step; None after complaining of its condition or its words."""
    when = deeds = None
    try:
        when = condition.parse(fields["when"])
    except Malformed as error:
        complain("when", f"when: {error.why}")
    try:
        deeds = condition.deeds(list(fields["do"]))
    except Malformed as error:
        complain("do", f"do: {error.why}")
    return Step(when, deeds, fields["when"]) if when is not None and deeds is not None else None


def cross_check(made: Policy, complain: Complain) -> None:
    """Complain of keys that are sound alone and wrong together."""
    try:
        kind = match.parse(made.match).kind
    except Malformed as error:
        complain("match", f"match: {error.why}")
        return
    verbs = {deed.verb for each in made.steps for deed in each.deeds}
    if "command" in verbs and not made.command:
        complain("", 'a step says "command", but there is no command = ["PROGRAM", ...]')
    if "restart" in verbs and not made.restart and kind not in RESTARTABLE:
        complain("", f'a step says "restart", but how to restart a {kind} is not known: add restart = ["PROGRAM", ...]')
    if made.protect and made.victim:
        complain("victim", "a protected service cannot be a victim")
    if made.protect and any(each.irreversible for each in made.steps):
        complain("protect", "a protected service is never stopped, but a step says so")
