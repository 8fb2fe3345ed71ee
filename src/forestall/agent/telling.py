"""How the guard tells: to the recorder over a bounded pipe, and past it when it is silent.

Everything sent waits for the recorder's acknowledgement. None for two seconds,
and the guard writes what waits to its own standard error (never waiting for
it), kills the recorder and forks another, which gets the same messages again.
"""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from forestall.agent.lines import Inlet, Outlet, fitted
from forestall.agent.offspring import Child, fork_child
from forestall.engine.tick import Ticked
from forestall.model.frame import Moment, Reading

SILENT_SECONDS_MAX: Final = 2.0
WAITING_MAX: Final = 64
REPLACED_A_MINUTE_MAX: Final = 6
TOO_OFTEN_SECONDS: Final = 60.0

Work = Callable[[Inlet, Outlet], int]
Wake = Callable[[], None]


class Story(Protocol):
    """Who follows a guard closely: the command that started it."""

    def tick(self, moment: Moment, readings: tuple[Reading, ...], ticked: Ticked) -> None:
        """Take in one look."""

    def tell(self, message: dict[str, Any]) -> None:
        """Take in a finding, an outcome, or what the recorder said."""


class Recorder:
    """The recorder as the guard sees it. `work` is what the forked child runs with its two pipe ends."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.replaced = 0
        self._waiting: deque[tuple[int, dict[str, Any]]] = deque(maxlen=WAITING_MAX)
        self._number = 0
        self._asked_at: float | None = None
        self._said = 0
        self._down = False
        self._replaced_at: deque[float] = deque(maxlen=REPLACED_A_MINUTE_MAX)
        self._fork()

    def _fork(self) -> None:
        there_reading, here_writing = os.pipe2(os.O_CLOEXEC)
        here_reading, there_writing = os.pipe2(os.O_CLOEXEC)
        keep = (there_reading, there_writing)
        self._child: Child = fork_child(lambda: self._work(Inlet(there_reading), Outlet(there_writing)), keep)
        os.close(there_reading)
        os.close(there_writing)
        self._outlet, self._inlet = Outlet(here_writing), Inlet(here_reading)
        self._down = False

    @property
    def fd(self) -> int | None:
        """The descriptor to poll for what it says; None while there is no recorder."""
        return None if self._down else self._inlet.fd

    @property
    def pid(self) -> int:
        """The recorder's pid."""
        return self._child.pid

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """What has not been acknowledged yet, oldest first."""
        return [message for _, message in self._waiting]

    def unsaid(self) -> list[dict[str, Any]]:
        """Return what waits and has not been returned by this before: to be said past the recorder, once."""
        fresh = [message for number, message in self._waiting if number > self._said]
        self._said = self._number
        return fresh

    def send(self, message: dict[str, Any], now_seconds: float) -> None:
        """Send one message, texts that are too long for a line cut; it is kept until acknowledged, 64 at most."""
        self._number += 1
        message = fitted(message)
        self._waiting.append((self._number, message))
        if not self._down:
            self._outlet.send({**message, "n": self._number})
        if self._asked_at is None:
            self._asked_at = now_seconds

    def receive(self, now_seconds: float) -> list[dict[str, Any]]:
        """Return what the recorder says, acknowledgements taken out."""
        said = []
        for message in [] if self._down else self._inlet.receive():
            if message.get("k") == "ack":
                self._acknowledged(int(message.get("n", 0)), now_seconds)
            else:
                said.append(message)
        return said

    def _acknowledged(self, number: int, now_seconds: float) -> None:
        while self._waiting and self._waiting[0][0] <= number:
            self._waiting.popleft()
        self._asked_at = now_seconds if self._waiting else None

    def due(self) -> float | None:
        """When its silence will have lasted too long (CLOCK_BOOTTIME seconds), None while nothing is asked.

        One that was replaced too often stays away until a minute is over.
        """
        if self._down:
            return self._replaced_at[0] + TOO_OFTEN_SECONDS
        return None if self._asked_at is None else self._asked_at + SILENT_SECONDS_MAX

    def silent(self, now_seconds: float) -> bool:
        """Whether it has ended, or has not answered for two seconds."""
        due = self.due()
        return (self._inlet.ended and not self._down) or (due is not None and now_seconds >= due)

    def replace(self, now_seconds: float) -> bool:
        """Kill it, fork another and send again what waits; False when it has been replaced too often lately."""
        self.close()
        if len(self._replaced_at) == REPLACED_A_MINUTE_MAX and now_seconds - self._replaced_at[0] < TOO_OFTEN_SECONDS:
            return False
        self._replaced_at.append(now_seconds)
        self.replaced += 1
        self._fork()
        for number, message in self._waiting:
            self._outlet.send({**message, "n": number})
        self._asked_at = now_seconds if self._waiting else None
        return True

    def close(self) -> None:
        """End it; a second call does nothing."""
        self._down = True
        self._outlet.close()
        self._inlet.close()
        self._child.kill()

    def dismiss(self, seconds: float) -> None:
        """Close its pipe, wait up to `seconds` for it to finish its store, then end it."""
        if self._down:
            return
        self._outlet.close()
        poller = select.poll()
        poller.register(self._child.held.fd, select.POLLIN)
        poller.poll(seconds * 1000)
        self.close()


def say(line: str) -> bool:
    """Write one line to standard error if that can be done without waiting; whether it was."""
    poller = select.poll()
    poller.register(2, select.POLLOUT)
    if not any(events & select.POLLOUT for _, events in poller.poll(0)):
        return False
    try:
        os.write(2, line.encode("utf-8", "replace")[:4000] + b"\n")
    except OSError:
        return False
    return True


def line(message: dict[str, Any]) -> str:
    """Return a message as one line for standard error, for when nobody else can tell it."""
    kind = message.get("k")
    if kind == "outcome":
        outcome = message["outcome"]
        verb, name = outcome["deed"]["verb"], outcome["target"]["name"]
        return f"forestall: {verb} {name}: {outcome['result']}: {outcome['words']}"
    if kind == "finding":
        finding = message["finding"]
        return f"forestall: {finding['target']['name']}: {finding['summary']}"
    if kind == "refusal":
        return f"forestall: not done: {message['words']}"
    return f"forestall: {kind} waits for the recorder"
