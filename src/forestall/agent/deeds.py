"""The guard's hands at work: every running action, and what each of them needs of the guard (`acting.Surroundings`)."""

from __future__ import annotations

from typing import Final

from forestall.act.capture import bounded, cgroup_pieces, top_piece
from forestall.agent.acting import CAPTURE_SECONDS_MAX, Ended, Running
from forestall.agent.eyes import CgroupEye
from forestall.agent.gaze import Gaze
from forestall.agent.hand import Hand, living
from forestall.agent.intents import Intents
from forestall.agent.offspring import is_ours
from forestall.agent.voice import Voice
from forestall.agent.watch import Watch
from forestall.engine.tick import State
from forestall.model.action import CALLED_OFF, DONE, FAILED, REFUSED, STOPPING_VERBS, Action, Deed, Outcome
from forestall.model.capture import Capture
from forestall.model.plain import plain

RETRY_SECONDS: Final = 1.0


class Deeds:
    """Begins actions and goes on with them at every look; at most one a target."""

    def __init__(self, gaze: Gaze, voice: Voice, intents: Intents, state: State) -> None:
        self.running: dict[str, Running] = {}
        self._gaze = gaze
        self._voice = voice
        self._intents = intents
        self._state = state
        self._captures: dict[str, tuple[str, float]] = {}
        self._hand: Hand | None = None

    def stand_ready(self) -> None:
        """Fork the first hand, ahead of any need."""
        self._hand = Hand()

    @property
    def fds(self) -> set[int]:
        """The descriptors of hands at work."""
        return {fd for running in self.running.values() if (fd := running.hand_fd) is not None}

    def begin(self, action: Action) -> None:
        """Write down that an action begins, and begin it."""
        moment = self._gaze.moment
        watch = self._gaze.watches.get(action.target.identity)
        self._voice.tell({"k": "finding", "finding": plain(action.finding), "notify": False}, moment)
        if watch is None:  # the host itself: it can be told of, nothing there can be stopped
            if any(deed.verb == "notify" for deed in action.deeds):
                self.notify(action)
            return
        if action.target.identity in self.running:
            words = f"{action.target.name}: the action before is not over yet"
            self._voice.tell({"k": "refusal", "words": words, "target": plain(action.target)}, moment)
            return
        self._intents.began(action, moment)
        self.write()
        running = Running(action, watch, watch.policy, self, moment.boottime_seconds)
        self.running[action.target.identity] = running
        self._take(running, running.begin(moment.boottime_seconds))

    def go_on(self) -> None:
        """Go on with every running action as far as can be gone without waiting."""
        for running in list(self.running.values()):
            self._take(running, running.step(self._gaze.moment.boottime_seconds))

    def _take(self, running: Running, ended: Ended) -> None:
        for outcome in ended.outcomes:
            self._take_outcome(running, outcome)
        if ended.over:
            running.close()
            self.running.pop(running.action.target.identity, None)
            self._intents.finished(running.action, self._gaze.moment)
        if ended.over or ended.outcomes:
            self.write()

    def _take_outcome(self, running: Running, outcome: Outcome) -> None:
        self._intents.ended(outcome, self._gaze.moment)
        why = running.action.finding.summary
        self._voice.tell({"k": "outcome", "outcome": plain(outcome), "why": why}, self._gaze.moment)
        if outcome.result == DONE and outcome.deed.verb in STOPPING_VERBS:
            self._state.forget(outcome.target.identity)
            running.watch.begin_again()
        elif outcome.result in (REFUSED, CALLED_OFF):
            self._intents.forgo(running.action)
            self._offer_again(running, RETRY_SECONDS)
        elif outcome.result == FAILED:
            self._offer_again(running, running.policy.cooldown_seconds)

    def _offer_again(self, running: Running, seconds: float) -> None:
        """What did not come about is not done: the step fires again after a while, if its condition holds then."""
        action, now = running.action, self._gaze.moment.boottime_seconds
        self._state.put_off(action.target.identity, action.step, now + seconds, action.policy)

    def write(self) -> None:
        """Write the live state."""
        recorder = self._voice.recorder
        replaced = 0 if recorder is None else recorder.replaced
        self._intents.write(self._gaze.moment, watched=len(self._gaze.watches), recorders_replaced=replaced)

    def captured(self, action_id: str) -> None:
        """The recorder has finished the capture that an action asked for."""
        self._captures.pop(action_id, None)

    # -- acting.Surroundings -----------------------------------------------------------------------------------

    def read_again(self, watch: Watch) -> bool:
        """Read the target now; False when it is gone."""
        return self._gaze.read_again(watch)

    def keep_minimal_capture(self, watch: Watch, action: Action) -> None:
        """Keep cgroup files and top processes in the live state: memory only, no disk."""
        sources, at = self._gaze.sources, self._gaze.moment
        pieces = []
        if isinstance(watch.eye, CgroupEye) and sources.cgroups is not None:
            pieces += cgroup_pieces(sources.cgroups.cgroupfs, watch.eye.path)
        pieces.append(top_piece(sources.procfs, watch.eye.members(), sources.page_bytes))
        used = 0 if watch.reading is None else watch.reading.used_bytes
        why = action.finding.summary
        identity = f"{action.id}-minimal"
        capture = Capture(
            identity, action.target, at.boottime_seconds, at.wall_seconds, why, used, True, bounded(pieces)
        )
        number = self._intents.keep_capture(capture, action.finding)
        if number is not None:
            self._voice.tell({"k": "minimal", "number": number, "target": plain(action.target)}, at)

    def ask_for_capture(self, action: Action, deed: Deed) -> None:
        """Have the recorder take a full capture."""
        message = {
            "k": "capture",
            "action": action.id,
            "target": plain(action.target),
            "why": action.finding.summary,
            "arguments": list(deed.arguments),
        }
        self._voice.tell(message, self._gaze.moment)
        until = self._gaze.moment.boottime_seconds + CAPTURE_SECONDS_MAX
        self._captures[action.id] = (action.target.identity, until)

    def capturing_until(self, identity: str) -> float | None:
        """Until when a capture of the target may still be running, None when none is."""
        now = self._gaze.moment.boottime_seconds
        self._captures = {key: value for key, value in self._captures.items() if value[1] > now}
        return max((until for one, until in self._captures.values() if one == identity), default=None)

    def notify(self, action: Action) -> None:
        """Have people told of the finding."""
        self._voice.tell({"k": "finding", "finding": plain(action.finding), "notify": True}, self._gaze.moment)

    def ours(self, pid: int) -> bool:
        """Whether a process is this guard, who started it, or a child of theirs."""
        return is_ours(self._gaze.sources.procfs, pid, self._gaze.sources.kin)

    def take_hand(self) -> Hand:
        """Give away the hand that stands ready and fork the next."""
        hand, self._hand = self._hand, Hand()
        return living(hand)

    def close(self) -> None:
        """End hands and actions."""
        for running in self.running.values():
            running.close()
        if self._hand is not None:
            self._hand.close()
