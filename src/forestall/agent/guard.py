"""The guard: one thread that watches the targets of its policies and acts before the kernel does.

It waits for nothing but the next look and the kernel's wake-ups: no disk, no
network, no other process. What may block is done by a hand; what is to be kept
or told goes to the recorder over a pipe that drops rather than waits.
"""

from __future__ import annotations

import select
from typing import Any, Final

from forestall.act.capture import bounded, cgroup_pieces, top_piece
from forestall.agent import telling
from forestall.agent.acting import CAPTURE_SECONDS_MAX, Ended, Running
from forestall.agent.covering import Covering
from forestall.agent.discovery import Discovery
from forestall.agent.eyes import CgroupEye
from forestall.agent.hand import Hand, living
from forestall.agent.livestate import LiveState
from forestall.agent.offspring import is_ours
from forestall.agent.telling import Recorder
from forestall.agent.watch import Watch
from forestall.analyse.headroom import host_level
from forestall.collect.cgroup import CgroupCollector
from forestall.collect.host import HostCollector
from forestall.engine import arbiter, tick
from forestall.engine.host import host_target
from forestall.model.action import DONE, Action, Deed, Outcome
from forestall.model.capture import Capture
from forestall.model.errors import ForestallError, Malformed
from forestall.model.frame import Frame, Moment, Reading
from forestall.model.plain import plain
from forestall.model.policy import Policy
from forestall.model.target import HOST
from forestall.system.clock import Clock
from forestall.system.process import reap_orphans
from forestall.system.procfs import Procfs

BEAT_SECONDS: Final = 10.0
"""Longest sleep: the live state's heartbeat is never older."""
OUTCOMES_KEPT: Final = 16


class Sources:
    """What the guard reads from: made once, handed in, so that a test may hand in others."""

    def __init__(self, procfs: Procfs, cgroups: CgroupCollector | None, page_bytes: int) -> None:
        self.procfs = procfs
        self.cgroups = cgroups
        self.page_bytes = page_bytes
        self.host = HostCollector(procfs)
        self.clock = Clock()


class Guard:
    """The loop and what it holds. `story` is told every finding and outcome as a plain object."""

    def __init__(
        self, sources: Sources, policies: tuple[Policy, ...], live: LiveState, recorder: Recorder | None,
        discovery: Discovery | None,
    ) -> None:
        self.sources = sources
        self.watches: dict[str, Watch] = {}
        self.recorder = recorder
        self.story: telling.Story | None = None
        self.stopping = False
        self.policies = policies
        self._live = live
        self._discovery = discovery
        self._state = tick.State()
        self._ledger = self._inherited_ledger()
        self._host_policy = next((policy for policy in policies if policy.match == HOST and policy.steps), None)
        self._running: dict[str, Running] = {}
        self._captures: dict[str, tuple[str, float]] = {}
        self._covering = Covering()
        outcomes = live.before.get("outcomes")
        self._outcomes: list[Any] = outcomes[-OUTCOMES_KEPT:] if isinstance(outcomes, list) else []
        self._hand: Hand | None = None
        self._poller = select.poll()
        self._polled: set[int] = set()
        self._beat_due = 0.0
        self._moment = sources.clock.now()
        self._host = sources.host.collect()

    def _inherited_ledger(self) -> arbiter.Ledger:
        """Return the cool-downs and unfinished intents that an earlier guard left: unfinished counts as done."""
        if "ledger" not in self._live.before:
            return arbiter.Ledger()
        try:
            return arbiter.Ledger.decode(self._live.before["ledger"])
        except Malformed as error:
            telling.say(f"forestall: live state: {error}; cool-downs begin anew")
            return arbiter.Ledger()

    # -- the loop ---------------------------------------------------------------------------------------------

    def run(self, extra: dict[int, "telling.Wake"]) -> None:
        """Guard until `stopping`; `extra` are descriptors to poll besides ours, with what to do when readable."""
        self._hand = Hand()
        self._tell_of_unfinished()
        while not self.stopping:
            for fd in self._wait(extra):
                if fd in extra:
                    extra[fd]()
            self._moment = self.sources.clock.now()
            self._hear_recorder()
            self._look()
            self._go_on_acting()
            self._beat()

    def _tell_of_unfinished(self) -> None:
        """Say what an earlier guard had begun when it ended: it counts as done, cool-down included."""
        self._ledger.turn_to(self._moment)
        for intent in list(self._ledger.unfinished.values()):
            telling.say(f"forestall: an earlier guard had begun: {intent.words} {intent.name}; it counts as done")
            self._ledger.checked(intent.action_id)

    def _wait(self, extra: dict[int, "telling.Wake"]) -> list[int]:
        wanted = set(extra)
        wakers: dict[int, Watch] = {}
        for watch in self.watches.values():
            if watch.thresholds is not None:
                wakers[watch.thresholds.fd] = watch
        wanted.update(wakers)
        wanted.update(fd for running in self._running.values() if (fd := running.hand_fd) is not None)
        if self.recorder is not None and self.recorder.fd is not None:
            wanted.add(self.recorder.fd)
        if self._discovery is not None and self._discovery.fd is not None:
            wanted.add(self._discovery.fd)
        if self._covering.fd is not None:
            wanted.add(self._covering.fd)
        self._register(wanted)
        seconds = max(0.0, self._next_due() - self.sources.clock.now().boottime_seconds)
        ready = [fd for fd, _ in self._poller.poll(seconds * 1000)]
        now = self.sources.clock.now().boottime_seconds
        for fd in ready:
            if fd in wakers:
                self._wake(wakers[fd], now)
            elif self._discovery is not None and fd == self._discovery.fd:
                self._discovery.changed()
            elif fd == self._covering.fd:
                self._cover()
        return ready

    def _cover(self) -> None:
        """Trust the kernel's wake-ups for the targets whose thresholds are registered now."""
        registered = self._covering.finished()
        for watch in self.watches.values():
            if watch.thresholds in registered:
                watch.covered = True

    def _wake(self, watch: Watch, now: float) -> None:
        assert watch.thresholds is not None
        watch.thresholds.clear()
        last = watch.seen_at
        watch.due = min(watch.due, max(now, last + watch.rest_seconds))

    def _register(self, wanted: set[int]) -> None:
        for fd in self._polled - wanted:
            self._poller.unregister(fd)
        for fd in wanted - self._polled:
            self._poller.register(fd, select.POLLIN)
        self._polled = wanted

    def _next_due(self) -> float:
        dues = [watch.due for watch in self.watches.values()]
        dues.append(self._beat_due)
        if self.recorder is not None and (due := self.recorder.due()) is not None:
            dues.append(due)
        if self._discovery is not None and (due := self._discovery.due()) is not None:
            dues.append(due)
        if self._running:
            dues.append(self._moment.boottime_seconds + 0.02)
        return min(dues)

    # -- looking ----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Read what is due, judge it, and begin what the arbiter chooses."""
        now = self._moment.boottime_seconds
        due = [watch for watch in self.watches.values() if watch.due <= now]
        walk = self._discovery is not None and (self._discovery.due() or now) <= now
        if not due and not walk and not (self._host_policy and self._beat_due <= now):
            return
        self.begin_look()
        if self._discovery is not None:
            self._discovery.refresh(self.watches, now)
            due = [watch for watch in self.watches.values() if watch.due <= now]
        readings = tuple(reading for watch in due if (reading := self._glance(watch)) is not None)
        self._judge(Frame(self._moment, self._host, readings))
        for watch in due:
            watch.plan(now, acting=watch.reading is not None and watch.reading.target.identity in self._running)

    def begin_look(self) -> None:
        """Read the host, so that targets can be read against it."""
        self._host = self.sources.host.glance()
        if self.sources.cgroups is not None:
            self.sources.cgroups.begin(host_level(self._host))

    def _glance(self, watch: Watch) -> Reading | None:
        """Read one target; one that is gone is dropped."""
        now = self._moment.boottime_seconds
        before = watch.reading
        reading = watch.eye.glance(host_level(self._host), now)
        if reading is None or (before is not None and before.target.identity != reading.target.identity):
            self._drop(watch)
            return None
        watch.see(reading, now)
        if isinstance(watch.eye, CgroupEye) and self.sources.cgroups is not None:
            wanted = watch.thresholds_wanted(self.sources.cgroups.cgroupfs, watch.eye.path)
            if wanted is not None:
                self._covering.ask(wanted)
        return reading

    def _drop(self, watch: Watch) -> None:
        for identity in [key for key, one in self.watches.items() if one is watch]:
            if identity not in self._running:
                del self.watches[identity]
                watch.close()

    def _judge(self, frame: Frame) -> None:
        policies = {identity: watch.policy for identity, watch in self.watches.items()}
        if self._host_policy is not None:
            policies[host_target(self._moment).identity] = self._host_policy
        ticked = tick.step(self._state, frame, policies, interval_seconds=BEAT_SECONDS)
        if self.story is not None:
            self.story.tick(self._moment, frame.readings, ticked)
        choice = arbiter.choose(ticked.findings, self._ledger, policies, self._moment)
        for refusal in choice.refusals:
            self._refused(refusal)
        for action in choice.actions:
            self._begin(action)

    def _refused(self, refusal: arbiter.Refusal) -> None:
        if refusal.until_boottime_seconds is not None:
            self._state.put_off(refusal.target.identity, refusal.step, refusal.until_boottime_seconds)
        self._tell({"k": "refusal", "words": refusal.words, "target": plain(refusal.target)})

    # -- acting -----------------------------------------------------------------------------------------------

    def _begin(self, action: Action) -> None:
        watch = self.watches.get(action.target.identity)
        self._tell({"k": "finding", "finding": plain(action.finding), "notify": False})
        if watch is None:
            if any(deed.verb == "notify" for deed in action.deeds):
                self.notify(action)
            return
        now = self._moment.boottime_seconds
        self._ledger.began(action, self._moment)
        self._write_live()
        running = Running(action, watch, watch.policy, self, now)
        self._running[action.target.identity] = running
        self._take(running, running.begin(now))

    def _go_on_acting(self) -> None:
        for running in list(self._running.values()):
            self._take(running, running.step(self._moment.boottime_seconds))

    def _take(self, running: Running, ended: Ended) -> None:
        for outcome in ended.outcomes:
            self._record_outcome(running, outcome)
        if ended.over:
            running.close()
            self._running.pop(running.action.target.identity, None)
            self._ledger.finish(running.action.id, self._moment)
            self._write_live()
        elif ended.outcomes:
            self._write_live()

    def _record_outcome(self, running: Running, outcome: Outcome) -> None:
        self._ledger.ended(outcome, self._moment)
        self._outcomes = [*self._outcomes, plain(outcome)][-OUTCOMES_KEPT:]
        self._tell({"k": "outcome", "outcome": plain(outcome), "why": running.action.finding.summary})
        if outcome.result == DONE and outcome.deed.irreversible:
            self._state.forget(outcome.target.identity)
            running.watch.begin_again()

    # -- what acting.Surroundings asks for ----------------------------------------------------------------------

    def read_again(self, watch: Watch) -> bool:
        """Read the target now; False when it is gone."""
        self.begin_look()
        reading = watch.eye.glance(host_level(self._host), self._moment.boottime_seconds)
        if reading is None or (watch.reading is not None and reading.target.identity != watch.reading.target.identity):
            return False
        watch.see(reading, self._moment.boottime_seconds)
        return True

    def keep_minimal_capture(self, watch: Watch, action: Action) -> None:
        """Keep cgroup files and top processes in the live state: memory only, no disk."""
        pieces = []
        if isinstance(watch.eye, CgroupEye) and self.sources.cgroups is not None:
            pieces += cgroup_pieces(self.sources.cgroups.cgroupfs, watch.eye.path)
        pieces.append(top_piece(self.sources.procfs, watch.eye.members(), self.sources.page_bytes))
        used = 0 if watch.reading is None else watch.reading.used_bytes
        at = self._moment
        capture = Capture(f"{action.id}-minimal", action.target, at.boottime_seconds, at.wall_seconds,
                          action.finding.summary, used, minimal=True, pieces=bounded(pieces))
        try:
            number = self._live.keep_capture({"capture": plain(capture), "finding": plain(action.finding)})
        except ForestallError as error:
            telling.say(f"forestall: minimal capture of {action.target.name}: {error}")
            return
        self._tell({"k": "minimal", "number": number, "target": plain(action.target)})

    def ask_for_capture(self, action: Action, deed: Deed) -> None:
        """Have the recorder take a full capture."""
        why = action.finding.summary
        self._tell({"k": "capture", "action": action.id, "target": plain(action.target), "why": why,
                    "arguments": list(deed.arguments)})
        until = self._moment.boottime_seconds + CAPTURE_SECONDS_MAX
        self._captures[action.id] = (action.target.identity, until)

    def capturing_until(self, identity: str) -> float | None:
        """Until when a capture of the target may still be running, None when none is."""
        now = self._moment.boottime_seconds
        self._captures = {key: value for key, value in self._captures.items() if value[1] > now}
        return max((until for one, until in self._captures.values() if one == identity), default=None)

    def notify(self, action: Action) -> None:
        """Have people told of the finding."""
        self._tell({"k": "finding", "finding": plain(action.finding), "notify": True})

    def ours(self, pid: int) -> bool:
        """Whether a process is this guard or one of its children."""
        return is_ours(self.sources.procfs, pid)

    def take_hand(self) -> Hand:
        """Give away the hand that stands ready and fork the next."""
        hand, self._hand = self._hand, Hand()
        return living(hand)

    # -- telling ----------------------------------------------------------------------------------------------

    def _tell(self, message: dict[str, Any]) -> None:
        message["at"] = self._moment.wall_seconds
        if self.story is not None:
            self.story.tell(message)
        if self.recorder is not None:
            self.recorder.send(message, self._moment.boottime_seconds)

    def _hear_recorder(self) -> None:
        if self.recorder is None:
            return
        now = self._moment.boottime_seconds
        for message in self.recorder.receive(now):
            if message.get("k") == "captured":
                self._captures.pop(str(message.get("action")), None)
            if self.story is not None:
                self.story.tell(message)
        if not self.recorder.silent(now):
            return
        for message in self.recorder.unsaid():
            telling.say(telling.line(message))
        if self.recorder.replace(now):
            telling.say("forestall: the recorder was silent for 2 s and has been replaced")

    # -- live state -------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        now = self._moment.boottime_seconds
        if now >= self._beat_due:
            self._beat_due = now + BEAT_SECONDS
            self._write_live()
            reap_orphans(0)

    def _write_live(self) -> None:
        state: dict[str, Any] = {
            "heartbeat": {"boottime": self._moment.boottime_seconds, "boot": self._moment.boot_id},
            "ledger": self._ledger.encode(),
            "outcomes": self._outcomes,
            "watched": len(self.watches),
            "recorders_replaced": 0 if self.recorder is None else self.recorder.replaced,
        }
        # Intents are never left out; outcomes and the oldest accounts are, if need be, to fit a slot.
        shorter = ({**state, "outcomes": [], "ledger": self._ledger.encode(accounts)} for accounts in (256, 64, 16))
        try:
            self._live.write(state, shorter)
        except ForestallError as error:
            telling.say(f"forestall: live state: {error}")

    def forget(self, identity: str) -> None:
        """Another instance of a target has begun: its past is over."""
        self._state.forget(identity)
        if identity in self.watches:
            self.watches[identity].begin_again()

    def close(self) -> None:
        """End hands and actions; the recorder is the caller's to dismiss."""
        for running in self._running.values():
            running.close()
        if self._hand is not None:
            self._hand.close()
        self._covering.close()
        for watch in self.watches.values():
            watch.close()
        if self._discovery is not None:
            self._discovery.close()

