"""What the guard has done and is about to do, in its live state: written before an act, read first after a start."""

from __future__ import annotations

from typing import Any, Final

from forestall.agent import telling
from forestall.agent.livestate import LiveState
from forestall.engine.ledger import Ledger
from forestall.model.action import Action, Outcome
from forestall.model.capture import Capture
from forestall.model.errors import ForestallError, Malformed
from forestall.model.finding import Finding
from forestall.model.frame import Moment
from forestall.model.plain import plain

OUTCOMES_KEPT: Final = 16
ACCOUNTS_TRIED: Final = (256, 64, 16, 4, 1)
"""Intents are never left out; outcomes and the oldest accounts are, if need be, to fit a slot."""


class Intents:
    """The ledger and the last outcomes, kept in the live state."""

    def __init__(self, live: LiveState) -> None:
        self._live = live
        self.ledger = self._inherited()
        outcomes = live.before.get("outcomes")
        self._outcomes: list[Any] = outcomes[-OUTCOMES_KEPT:] if isinstance(outcomes, list) else []

    def _inherited(self) -> Ledger:
        """Return the cool-downs and unfinished intents that an earlier guard left: unfinished counts as done."""
        if "ledger" not in self._live.before:
            return Ledger()
        try:
            return Ledger.decode(self._live.before["ledger"])
        except Malformed as error:
            telling.say(f"forestall: live state: {error}; cool-downs begin anew")
            return Ledger()

    def tell_of_unfinished(self, moment: Moment) -> None:
        """Say what an earlier guard had begun when it ended: it counts as done, cool-down included."""
        self.ledger.turn_to(moment)
        for intent in list(self.ledger.unfinished.values()):
            telling.say(f"forestall: an earlier guard had begun: {intent.words} {intent.name}; it counts as done")
            self.ledger.checked(intent.action_id)

    def began(self, action: Action, moment: Moment) -> None:
        """Book an action that is about to begin; `write` makes it last."""
        self.ledger.began(action, moment)

    def ended(self, outcome: Outcome, moment: Moment) -> None:
        """Book what came of one deed."""
        self.ledger.ended(outcome, moment)
        self._outcomes = [*self._outcomes, plain(outcome)][-OUTCOMES_KEPT:]

    def finished(self, action: Action, moment: Moment) -> None:
        """Book the end of an action."""
        self.ledger.finish(action.id, moment)

    def forgo(self, action: Action) -> None:
        """Take back the booking of an action that was refused or called off before anything was done."""
        self.ledger.forgo(action.id)

    def keep_capture(self, capture: Capture, finding: Finding) -> int | None:
        """Keep a minimal capture and return its number, None when there is no room for it."""
        try:
            return self._live.keep_capture({"capture": plain(capture), "finding": plain(finding)})
        except ForestallError as error:
            telling.say(f"forestall: minimal capture of {capture.target.name}: {error}")
            return None

    def write(self, moment: Moment, **facts: int) -> None:
        """Write everything by one pwrite, with the heartbeat and `facts` about the guard."""
        state: dict[str, Any] = {
            "heartbeat": {"boottime": moment.boottime_seconds, "boot": moment.boot_id},
            "ledger": self.ledger.encode(),
            "outcomes": self._outcomes,
            **facts,
        }
        shorter = ({**state, "outcomes": [], "ledger": self.ledger.encode(accounts)} for accounts in ACCOUNTS_TRIED)
        try:
            self._live.write(state, shorter)
        except ForestallError as error:
            telling.say(f"forestall: live state: {error}")
