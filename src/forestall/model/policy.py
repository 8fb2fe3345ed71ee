"""What a `[[service]]` table asks for: whom it matches, the ladder of steps, and the brakes."""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.action import Deed
from forestall.model.condition import Condition

GRACE_SECONDS: Final = 10.0
COOLDOWN_SECONDS: Final = 300.0
ACTS_PER_HOUR_MAX: Final = 6


class Step(NamedTuple):
    """One rung of the ladder: when `when` holds, do `deeds` in order. `text` is the condition as written."""

    when: Condition
    deeds: tuple[Deed, ...]
    text: str

    @property
    def irreversible(self) -> bool:
        """Whether any deed of it cannot be taken back."""
        return any(deed.irreversible for deed in self.deeds)


class Policy(NamedTuple):
    """One `[[service]]` table. `match` is the text as written; `steps` mildest first; durations in seconds."""

    match: str
    steps: tuple[Step, ...] = ()
    protect: bool = False
    dry_run: bool = False
    grace_seconds: float = GRACE_SECONDS
    cooldown_seconds: float = COOLDOWN_SECONDS
    acts_per_hour_max: int = ACTS_PER_HOUR_MAX
    victim: bool = False
    restart: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    go: str = ""
    tripwire: bool = False
