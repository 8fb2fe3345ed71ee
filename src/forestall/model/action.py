"""What is done about a finding, what came of it, and what people are told."""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.finding import Finding
from forestall.model.target import Target

STOPPING_VERBS: Final = frozenset({"terminate", "restart"})
"""Verbs that end a process: irreversible, so the world is read again first."""

SIDE_VERBS: Final = frozenset({"notify", "capture"})
"""Verbs that run beside the others and never wait for them."""

VERBS: Final = frozenset({"notify", "capture", "terminate", "restart", "command"})
"""Every verb this release knows; any other is refused by name."""

DONE: Final = "done"
FAILED: Final = "failed"
DRY_RUN: Final = "dry run"
REFUSED: Final = "refused"
CALLED_OFF: Final = "called off"


class Deed(NamedTuple):
    """One word of a step's `do` with its arguments: `capture heap` -> ("capture", ("heap",))."""

    verb: str
    arguments: tuple[str, ...] = ()

    @property
    def irreversible(self) -> bool:
        """Whether it ends something that cannot be brought back as it was."""
        return self.verb in STOPPING_VERBS or self.verb == "command"


class Action(NamedTuple):
    """What the arbiter chose for one target: a sequence of deeds and why, with what lost and why."""

    id: str
    target: Target
    deeds: tuple[Deed, ...]
    finding: Finding
    policy: str
    step: int
    dry_run: bool
    grace_seconds: float
    at_boottime_seconds: float
    reasons_others_lost: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What came of one deed of an action: DONE, FAILED, DRY_RUN, REFUSED or CALLED_OFF, in words, and how long."""

    action_id: str
    target: Target
    deed: Deed
    result: str
    words: str
    began_boottime_seconds: float
    seconds: float


class Notice(NamedTuple):
    """A finding or an outcome on its way to people: one line and the whole story as fields."""

    id: str
    at_wall_seconds: float
    severity: int
    target: Target
    headline: str
    fields: tuple[tuple[str, str], ...]
