"""Running actions: one at a time per target, deed after deed, never waiting in the guard's loop.

A deed is told to the live state before it begins. Before an irreversible one
the target is read again: an action whose reason has gone is called off.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, Protocol

from forestall.act import ByHand
from forestall.act.command import PLUGIN as COMMAND
from forestall.act.restart import PLUGIN as RESTART
from forestall.act.terminate import MARGIN_SECONDS, Termination
from forestall.agent.eyes import Eye
from forestall.agent.hand import Hand
from forestall.agent.watch import Watch
from forestall.model.action import (
    CALLED_OFF,
    DONE,
    DRY_RUN,
    FAILED,
    REFUSED,
    SIDE_VERBS,
    Action,
    Deed,
    Outcome,
)
from forestall.model.errors import ForestallError
from forestall.model.frame import Reading
from forestall.model.policy import Policy
from forestall.system.lock import TargetLock, lock_target

RECOVERED_RATIO: Final = 0.05
"""An irreversible act is called off when the share of the limit in use has fallen by this much since it was decided."""
CAPTURE_SECONDS_MAX: Final = 5.0
BY_HAND: Final[dict[str, ByHand]] = {"command": COMMAND, "restart": RESTART}


class Surroundings(Protocol):
    """What an action needs of the guard."""

    def read_again(self, watch: Watch) -> bool:
        """Read the target now; False when it is gone."""

    def keep_minimal_capture(self, watch: Watch, action: Action) -> None:
        """Keep what can be read without waiting, before it is too late."""

    def ask_for_capture(self, action: Action, deed: Deed) -> None:
        """Have the recorder take a full capture."""

    def notify(self, action: Action) -> None:
        """Have people told of the finding."""

    def capturing_until(self, identity: str) -> float | None:
        """Until when a capture of the target may still be running, None when none is."""

    def take_hand(self) -> Hand:
        """Give away the hand that stands ready."""

    def ours(self, pid: int) -> bool:
        """Whether a process is the guard or a child of it."""


class Ended(NamedTuple):
    """What one look at an action brought: outcomes of deeds, and whether the action is over."""

    outcomes: tuple[Outcome, ...]
    over: bool


class Running:
    """One action on one target. `step` is called at every look until it says that it is over."""

    def __init__(self, action: Action, watch: Watch, policy: Policy, around: Surroundings, now_seconds: float) -> None:
        self.action = action
        self.watch = watch
        self.policy = policy
        self._around = around
        self._lock: TargetLock | None = None
        self._waiting = [deed for deed in action.deeds if deed.verb not in SIDE_VERBS]
        self._deed: Deed | None = None
        self._deed_began = now_seconds
        self._termination: Termination | None = None
        self._hand: Hand | None = None
        self._ratio_decided = None if watch.reading is None else _held_ratio(watch.reading)

    @property
    def hand_fd(self) -> int | None:
        """The descriptor to poll while a hand works."""
        return None if self._hand is None else self._hand.fd

    def begin(self, now_seconds: float) -> Ended:
        """Take the target's lock and begin; over at once when somebody else acts on it."""
        try:
            self._lock = lock_target(self.watch.eye.directory)
        except ForestallError as error:
            words = f"the target is gone ({error})"
            return self._over(self._outcome(self.action.deeds[0], CALLED_OFF, words, now_seconds))
        if self._lock is None:
            words = "somebody else acts on this target"
            return self._over(self._outcome(self.action.deeds[0], REFUSED, words, now_seconds))
        outcomes = [self._begin_side(deed, now_seconds) for deed in self.action.deeds if deed.verb in SIDE_VERBS]
        return Ended(tuple(outcomes), not self._waiting)

    def _begin_side(self, deed: Deed, now_seconds: float) -> Outcome:
        if self.action.dry_run:
            return self._outcome(deed, DRY_RUN, f"would {deed.verb}", now_seconds)
        if deed.verb == "notify":
            self._around.notify(self.action)
            return self._outcome(deed, DONE, "told", now_seconds)
        self._around.ask_for_capture(self.action, deed)
        return self._outcome(deed, DONE, "asked the recorder for it", now_seconds)

    def step(self, now_seconds: float) -> Ended:
        """Go on as far as can be gone without waiting."""
        if self._deed is None:
            if self._should_wait_for_capture(now_seconds):
                return Ended((), False)
            return self._begin_next(now_seconds)
        if self._termination is not None:
            return self._go_on_terminating(now_seconds)
        return self._look_at_hand(now_seconds)

    def _should_wait_for_capture(self, now_seconds: float) -> bool:
        until = self._around.capturing_until(self.action.target.identity)
        if until is None or now_seconds >= until or self.watch.reading is None:
            return False
        rate = self.watch.rate_bytes_per_second
        time_left = self.watch.reading.headroom_bytes / rate if rate > 0 else math.inf
        return time_left - self.action.grace_seconds - MARGIN_SECONDS > 0

    def _begin_next(self, now_seconds: float) -> Ended:
        if not self._waiting:
            return self._over()
        deed = self._waiting.pop(0)
        self._deed, self._deed_began = deed, now_seconds
        if deed.irreversible:
            called_off = self._reason_to_call_off()
            if called_off:
                return self._over(self._outcome(deed, CALLED_OFF, called_off, now_seconds))
        if self.action.dry_run:
            self._deed = None
            return Ended((self._outcome(deed, DRY_RUN, f"would {deed.verb}", now_seconds),), not self._waiting)
        self._around.keep_minimal_capture(self.watch, self.action)
        if deed.verb == "terminate":
            eye: Eye = self.watch.eye
            self._termination = Termination(eye.members, self._may_be_hit, self.policy.grace_seconds, now_seconds)
            return self._go_on_terminating(now_seconds)
        return self._give_to_hand(deed, now_seconds)

    def _may_be_hit(self, pid: int) -> bool:
        """Whether a process is the target's and not one of ours: an agent may run inside what it guards."""
        return self.watch.eye.belongs(pid) and not self._around.ours(pid)

    def _reason_to_call_off(self) -> str:
        if not self._around.read_again(self.watch) or self.watch.reading is None:
            return "the target is gone"
        now = _held_ratio(self.watch.reading)
        if self._ratio_decided is not None and now < self._ratio_decided - RECOVERED_RATIO:
            return f"it uses {now:.0%} of its limit, {self._ratio_decided:.0%} when this was decided"
        return ""

    def _go_on_terminating(self, now_seconds: float) -> Ended:
        assert self._termination is not None
        assert self._deed is not None
        reading, watch = self.watch.reading, self.watch
        # The kernel writes dirty page cache back before it kills: it is as good as free.
        headroom = float("inf") if reading is None else float(reading.headroom_bytes + reading.dirty_bytes)
        rates = watch.recent_bytes_per_second, watch.burst_bytes_per_second
        progress = self._termination.step(now_seconds, headroom, *rates)
        if not progress.result:
            return Ended((), False)
        self._termination.close()
        self._termination = None
        return self._deed_over(progress.result, progress.words, now_seconds)

    def _give_to_hand(self, deed: Deed, now_seconds: float) -> Ended:
        try:
            job = BY_HAND[deed.verb].job(
                self.watch.reading.target if self.watch.reading else self.action.target,
                self.policy,
                self.action.finding.summary,
            )
        except ForestallError as error:
            return self._deed_over(FAILED, str(error), now_seconds)
        self._hand = self._around.take_hand()
        if not self._hand.take(job, now_seconds):
            return self._deed_over(FAILED, f"the hand could not take the job {self._hand.trouble}".strip(), now_seconds)
        return Ended((), False)

    def _look_at_hand(self, now_seconds: float) -> Ended:
        assert self._hand is not None
        result = self._hand.look(now_seconds)
        if result is None:
            return Ended((), False)
        return self._deed_over(result.result, result.words, now_seconds)

    def _deed_over(self, result: str, words: str, now_seconds: float) -> Ended:
        assert self._deed is not None
        outcome = self._outcome(self._deed, result, words, now_seconds)
        self._deed = None
        self._put_hand_down()
        if result == FAILED or not self._waiting:
            return self._over(outcome)
        return Ended((outcome,), False)

    def _outcome(self, deed: Deed, result: str, words: str, now_seconds: float) -> Outcome:
        lasted = now_seconds - self._deed_began
        return Outcome(self.action.id, self.action.target, deed, result, words, self._deed_began, lasted)

    def _over(self, *outcomes: Outcome) -> Ended:
        return Ended(outcomes, True)

    def _put_hand_down(self) -> None:
        if self._hand is not None:
            self._hand.close()
            self._hand = None

    def close(self) -> None:
        """Let go of the target, its processes and the hand."""
        if self._termination is not None:
            self._termination.close()
        self._put_hand_down()
        if self._lock is not None:
            self._lock.close()


def _held_ratio(reading: Reading) -> float:
    """Return the share of the limit that is used by what the kernel can neither drop nor write back."""
    return reading.held_bytes / reading.limit_bytes if reading.limit_bytes else 1.0
