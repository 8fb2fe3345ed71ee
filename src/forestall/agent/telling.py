"""How the guard tells: to the recorder over a bounded pipe, and past it when it is silent.

Everything sent waits for the recorder's acknowledgement (`backlog`). None for two
seconds, and the guard writes what waits to its own standard error (never waiting
for it), kills the recorder and forks another, which gets the same messages again.
"""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, Protocol

from forestall.agent.backlog import Backlog
from forestall.agent.lines import Inlet, Outlet, pipe_in
from forestall.agent.offspring import Child, fork_child
from forestall.engine.tick import Ticked
from forestall.model.errors import ForestallError
from forestall.model.frame import Moment, Reading
from forestall.system.clock import boottime_seconds

SILENT_SECONDS_MAX: Final = 2.0
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
        self._backlog = Backlog()
        self._asked_at: float | None = None
        self._said = 0
        self._down = False
        self._replaced_at: deque[float] = deque(maxlen=REPLACED_A_MINUTE_MAX)
        self._fork()

    def _fork(self) -> None:
        with ExitStack() as undo:
            there_reading, here_writing = pipe_in(undo)
            here_reading, there_writing = pipe_in(undo)
            keep = (there_reading, there_writing)
            self._child: Child = fork_child(lambda: self._work(Inlet(there_reading), Outlet(there_writing)), keep)
            undo.pop_all()
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
        return self._backlog.messages()

    def unsaid(self) -> list[dict[str, Any]]:
        """Return what waits and has not been returned by this before: to be said past the recorder, once."""
        fresh = self._backlog.messages(after=self._said)
        self._said = self._backlog.number
        return fresh

    def send(self, message: dict[str, Any], now_seconds: float) -> None:
        """Send one message, its texts cut to a line; it is kept until acknowledged, MESSAGES_MAX of them at most.

        What has to be given up is said on standard error now, and counted to the recorder when it listens again.
        """
        for number, given_up in self._backlog.add(message):
            if number > self._said:
                say(line(given_up))
        if self._asked_at is None:
            self._asked_at = now_seconds
        self._go_on()

    def _go_on(self) -> None:
        """Send as much of what waits as the pipe takes."""
        if self._down:
            return
        self._backlog.send(self._outlet)
        if self._backlog.lost and not self._backlog.unsent:
            count, self._backlog.lost = self._backlog.lost, 0
            self._backlog.add({"k": "lost", "count": count})
            self._backlog.send(self._outlet)

    def receive(self, now_seconds: float) -> list[dict[str, Any]]:
        """Return what the recorder says, acknowledgements taken out."""
        said = []
        for message in [] if self._down else self._inlet.receive():
            if message.get("k") == "ack":
                self._acknowledged(int(message.get("n", 0)), now_seconds)
            else:
                said.append(message)
        self._go_on()
        return said

    def _acknowledged(self, number: int, now_seconds: float) -> None:
        self._backlog.acknowledged(number)
        self._asked_at = now_seconds if self._backlog else None

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
        try:
            self._fork()
        except (OSError, ForestallError) as error:
            say(f"forestall: no recorder could be made: {error}")
            return False
        self.replaced += 1
        self._backlog.send_anew()
        self._go_on()
        self._asked_at = now_seconds if self._backlog else None
        return True

    def close(self) -> None:
        """End it; a second call does nothing."""
        self._down = True
        self._outlet.close()
        self._inlet.close()
        self._child.kill()

    def dismiss(self, seconds: float) -> None:
        """Give it up to `seconds` to take what waits, and as long again to finish its store; then end it.

        What it has not taken by then is said past it.
        """
        if not self._down:
            self._hand_over(boottime_seconds() + seconds)
            self._outlet.close()
            _wait_readable(self._child.held.fd, seconds)
            self.receive(boottime_seconds())
            self.close()
        for message in self.unsaid():
            say(line(message))

    def _hand_over(self, until_seconds: float) -> None:
        """Wait for acknowledgements as long as something waits for one and they come."""
        now = boottime_seconds()
        self._asked_at = now if self._backlog else None
        while self._backlog and now < until_seconds and not self.silent(now):
            _wait_readable(self._inlet.fd, min(until_seconds, self.due() or until_seconds) - now)
            now = boottime_seconds()
            self.receive(now)


def _wait_readable(fd: int, seconds: float) -> None:
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    poller.poll(max(0.0, seconds) * 1000)


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
    if kind == "lost":
        return f"forestall: {message['count']} messages were given up because the recorder did not take them"
    return f"forestall: {kind} waits for the recorder"
