"""What the guard has done and is doing: cool-downs, budgets and intents, kept over its own restart.

Written by the guard into its live state before every act and read first after a start. An intent that was never
finished counts as done, cool-down included, until someone has looked; then `checked` takes it off the list.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from forestall.model.action import STOPPING_VERBS, Action, Outcome
from forestall.model.errors import Malformed
from forestall.model.frame import Moment
from forestall.model.plain import Plain, plain, value

HOUR_SECONDS: Final = 3600.0
RUNNING_SECONDS_MAX: Final = 900.0
"""An action of which nothing was heard for this long does not block its target any more."""
ACCOUNTS_MAX: Final = 1024
ACTS_KEPT_MAX: Final = 64
INTENTS_MAX: Final = 256


class Account(NamedTuple):
    """One target's acts that cannot be undone: when the last one was, and when each of the last hour began.

    `stopped`: the last one was to end processes. The cool-down of a mere command does not hold back a stop.
    """

    identity: str
    acted_boottime_seconds: float
    acts_boottime_seconds: tuple[float, ...]
    stopped: bool = True


class Intent(NamedTuple):
    """One action that was begun. `harsh`: some deed cannot be undone. `deeds_left` counts those without an outcome."""

    action_id: str
    identity: str
    name: str
    step: int
    harsh: bool
    words: str
    began_boottime_seconds: float
    deeds_left: int
    stopping: bool = True


class Book(NamedTuple):
    """The written form of a ledger."""

    boot_id: str
    accounts: tuple[Account, ...] = ()
    running: tuple[Intent, ...] = ()
    unfinished: tuple[Intent, ...] = ()


class Ledger:
    """The guard's own acts; changed by `began` and `ended` only, and cleared when the boot changes."""

    def __init__(self) -> None:
        self.boot_id = ""
        self.accounts: dict[str, Account] = {}
        self.running: dict[str, Intent] = {}
        self.unfinished: dict[str, Intent] = {}
        self._before: dict[str, Account | None] = {}

    def began(self, action: Action, moment: Moment) -> None:
        """An action is about to run: write this down before it does."""
        self.turn_to(moment)
        now = moment.boottime_seconds
        harsh = any(deed.irreversible for deed in action.deeds)
        stopping = any(deed.verb in STOPPING_VERBS for deed in action.deeds)
        words = ", ".join(" ".join((deed.verb, *deed.arguments)) for deed in action.deeds)
        target = action.target
        self.running[action.id] = Intent(
            action.id, target.identity, target.name, action.step, harsh, words, now, len(action.deeds), stopping
        )
        while len(self.running) > INTENTS_MAX:
            del self.running[next(iter(self.running))]
        if harsh:
            acts = self.acts_within_hour(target.identity, now)
            self._before[action.id] = self.accounts.get(target.identity)
            self._book(target.identity, now, (*acts, now)[-ACTS_KEPT_MAX:], stopping)

    def ended(self, outcome: Outcome, moment: Moment) -> None:
        """One deed came to an end, in whatever way; after the last one the action runs no more."""
        self.turn_to(moment)
        intent = self.running.get(outcome.action_id)
        if intent is None:
            return
        if intent.deeds_left > 1:
            self.running[intent.action_id] = intent._replace(deeds_left=intent.deeds_left - 1)
            return
        self.finish(outcome.action_id, moment)

    def finish(self, action_id: str, moment: Moment) -> None:
        """The whole action is over, whatever became of its deeds; its cool-down counts from now."""
        intent = self.running.pop(action_id, None)
        if intent is not None and intent.harsh:
            now = moment.boottime_seconds
            self._book(intent.identity, now, self.acts_within_hour(intent.identity, now), intent.stopping)
        self._before.pop(action_id, None)

    def forgo(self, action_id: str) -> None:
        """The action was refused or called off before anything was done: it costs neither cool-down nor budget."""
        intent = self.running.pop(action_id, None)
        before = self._before.pop(action_id, None)
        if intent is None or not intent.harsh:
            return
        self.accounts.pop(intent.identity, None)
        if before is not None:
            self.accounts[intent.identity] = before

    def checked(self, action_id: str) -> None:
        """Someone has looked what became of an unfinished intent of an earlier guard."""
        self.unfinished.pop(action_id, None)

    def acts_within_hour(self, identity: str, now: float) -> tuple[float, ...]:
        """When the target's acts of the last hour began, oldest first."""
        account = self.accounts.get(identity)
        acts = account.acts_boottime_seconds if account is not None else ()
        return tuple(at for at in acts if now - at < HOUR_SECONDS)

    def running_on(self, identity: str, now: float) -> list[Intent]:
        """What runs on the target and has been heard of lately."""
        return [
            intent
            for intent in self.running.values()
            if intent.identity == identity and now - intent.began_boottime_seconds < RUNNING_SECONDS_MAX
        ]

    def turn_to(self, moment: Moment) -> None:
        """A new boot ends everything that ran; a time that lies ahead (a damaged record) counts as now."""
        if moment.boot_id != self.boot_id:
            if self.boot_id:
                self.accounts.clear()
                self.running.clear()
                self.unfinished.clear()
            self.boot_id = moment.boot_id
        now = moment.boottime_seconds
        for identity, account in self.accounts.items():
            if account.acted_boottime_seconds > now:
                self.accounts[identity] = account._replace(acted_boottime_seconds=now)

    def encode(self, accounts_max: int = ACCOUNTS_MAX) -> Plain:
        """The ledger as JSON types, with the accounts that were used last."""
        return plain(
            Book(
                self.boot_id,
                tuple(self.accounts.values())[-accounts_max:],
                tuple(self.running.values()),
                tuple(self.unfinished.values()),
            )
        )

    @classmethod
    def decode(cls, written: object) -> Ledger:
        """Read back what `encode` made; what ran then is unfinished now. Raises Malformed for anything else."""
        book = value(Book, written)
        if len(book.accounts) > ACCOUNTS_MAX or len(book.running) + len(book.unfinished) > 2 * INTENTS_MAX:
            raise Malformed("ledger", "has too many entries")
        times = [
            at for account in book.accounts for at in (account.acted_boottime_seconds, *account.acts_boottime_seconds)
        ]
        times += [intent.began_boottime_seconds for intent in (*book.running, *book.unfinished)]
        if not all(math.isfinite(at) for at in times):
            raise Malformed("ledger", "has a time that is not a number")
        ledger = cls()
        ledger.boot_id = book.boot_id
        ledger.accounts = {account.identity: account for account in book.accounts}
        ledger.unfinished = {intent.action_id: intent for intent in (*book.unfinished, *book.running)}
        return ledger

    def _book(self, identity: str, acted: float, acts: tuple[float, ...], stopped: bool) -> None:
        # Taken out first, so that the order of the table is the order of use and the oldest goes when it is full.
        self.accounts.pop(identity, None)
        self.accounts[identity] = Account(identity, acted, acts, stopped)
        while len(self.accounts) > ACCOUNTS_MAX:
            del self.accounts[next(iter(self.accounts))]
