"""The guard: one thread that watches the targets of its policies and acts before the kernel does.

It waits for nothing but the next look and the kernel's wake-ups: no disk, no
network, no other process. Where it looks is `gaze`, what it does `deeds`, what
it remembers `intents`, what it says `voice`; here they are put together.
"""

from __future__ import annotations

import select
from typing import Final

from forestall.agent import telling
from forestall.agent.deeds import Deeds
from forestall.agent.discovery import Discovery
from forestall.agent.gaze import Gaze, Sources
from forestall.agent.intents import Intents
from forestall.agent.livestate import LiveState
from forestall.agent.telling import Recorder
from forestall.agent.voice import Voice
from forestall.agent.watch import Watch
from forestall.engine import arbiter, tick
from forestall.engine.host import host_target
from forestall.model.frame import Frame
from forestall.model.plain import plain
from forestall.model.policy import Policy
from forestall.model.target import HOST
from forestall.system.process import reap_orphans

__all__ = ["Guard", "Sources"]

BEAT_SECONDS: Final = 10.0
"""Longest sleep: the live state's heartbeat is never older."""
ACTING_SECONDS: Final = 0.02
"""Longest sleep while anything is being done to a target."""


class Guard:
    """The loop. `stopping` ends it after the turn that set it."""

    def __init__(
        self,
        sources: Sources,
        policies: tuple[Policy, ...],
        live: LiveState,
        recorder: Recorder | None,
        discovery: Discovery | None,
    ) -> None:
        self.sources = sources
        self.policies = policies
        self.stopping = False
        self._host_policy = next((policy for policy in policies if policy.match == HOST and policy.steps), None)
        self._state = tick.State()
        self._intents = Intents(live)
        self.voice = Voice(recorder)
        self.gaze = Gaze(sources, discovery, self._host_policy)
        self._deeds = Deeds(self.gaze, self.voice, self._intents, self._state)
        self._poller = select.poll()
        self._polled: set[int] = set()
        self._beat_due = 0.0

    @property
    def watches(self) -> dict[str, Watch]:
        """What is looked at, by target identity."""
        return self.gaze.watches

    def run(self, extra: dict[int, telling.Wake]) -> None:
        """Guard until `stopping`; `extra` are descriptors to poll besides ours, with what to do when readable."""
        self._deeds.stand_ready()
        self._intents.tell_of_unfinished(self.gaze.moment)
        while not self.stopping:
            ready = self._wait(set(extra))
            for fd in ready & set(extra):
                extra[fd]()
            self.gaze.woken(ready)
            self.turn()

    def turn(self) -> None:
        """One turn of the loop without its waiting: look, judge, act, tell."""
        frame = self.gaze.look()
        for message in self.voice.hear(self.gaze.moment):
            if message.get("k") == "captured":
                self._deeds.captured(str(message.get("action")))
        if frame is not None:
            self._judge(frame)
            self.gaze.plan(frame, self._deeds.running.keys())
        self._deeds.go_on()
        self._beat()

    def _wait(self, extra: set[int]) -> set[int]:
        """Wait until a look is due or a descriptor is readable; return which are."""
        wanted = extra | self.gaze.fds | self._deeds.fds | self.voice.fds
        for fd in self._polled - wanted:
            self._poller.unregister(fd)
        for fd in wanted - self._polled:
            self._poller.register(fd, select.POLLIN)
        self._polled = wanted
        now = self.sources.clock.now().boottime_seconds
        dues = [self.gaze.due(), self._beat_due]
        if (due := self.voice.due()) is not None:
            dues.append(due)
        if self._deeds.running:
            dues.append(now + ACTING_SECONDS)
        return {fd for fd, _ in self._poller.poll(max(0.0, min(dues) - now) * 1000)}

    def _judge(self, frame: Frame) -> None:
        """Let the engine judge a frame, and begin what the arbiter chooses."""
        policies = {identity: watch.policy for identity, watch in self.watches.items()}
        if self._host_policy is not None:
            policies[host_target(frame.moment).identity] = self._host_policy
        ticked = tick.step(self._state, frame, policies, interval_seconds=BEAT_SECONDS)
        if self.voice.story is not None:
            self.voice.story.tick(frame.moment, frame.readings, ticked)
        choice = arbiter.choose(ticked.findings, self._intents.ledger, policies, frame.moment)
        for refusal in choice.refusals:
            self._refuse(refusal)
        for action in choice.actions:
            self._deeds.begin(action)

    def _refuse(self, refusal: arbiter.Refusal) -> None:
        if refusal.until_boottime_seconds is not None:
            until = refusal.until_boottime_seconds
            self._state.put_off(refusal.target.identity, refusal.step, until, refusal.policy)
        message = {"k": "refusal", "words": refusal.words, "target": plain(refusal.target)}
        self.voice.tell(message, self.gaze.moment)

    def _beat(self) -> None:
        now = self.gaze.moment.boottime_seconds
        if now >= self._beat_due:
            self._beat_due = now + BEAT_SECONDS
            self._deeds.write()
            reap_orphans(0)

    def forget(self, identity: str) -> None:
        """Another instance of a target has begun: its past is over."""
        self._state.forget(identity)
        if identity in self.watches:
            self.watches[identity].begin_again()

    def close(self) -> None:
        """End hands, actions and watches; the recorder is the caller's to dismiss."""
        self._deeds.close()
        self.gaze.close()
