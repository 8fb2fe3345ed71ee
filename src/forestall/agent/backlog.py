"""What was told and is not acknowledged yet: bounded, the weighty kept longest, sent as the pipe takes it.

A pipe that is full takes a line later: the other side has something to read then, and its acknowledgement of that is
the moment to go on. So the guard never waits, and nothing is lost short of MESSAGES_MAX.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Final, NamedTuple

from forestall.agent.lines import LINE_BYTES_MAX, Outlet, encoded, fitted

MESSAGES_MAX: Final = 1024
"""Their acknowledgements, 22 bytes each, fit into an empty pipe: none of them is dropped."""


class Waiting(NamedTuple):
    """One message that waits, as the line it is sent as; `weighty` ones are sent first and given up last."""

    line: bytes
    weighty: bool

    @property
    def message(self) -> dict[str, Any]:
        """The message as it was told."""
        content: dict[str, Any] = json.loads(self.line)
        del content["n"]
        return content


class Backlog:
    """Messages by number, in the order they were told. `lost` counts those that were given up and not told of yet."""

    def __init__(self) -> None:
        self.lost = 0
        self.number = 0
        self._waiting: dict[int, Waiting] = {}
        self._unsent: tuple[deque[int], deque[int]] = (deque(), deque())

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def unsent(self) -> bool:
        """Whether anything has not gone into the pipe yet."""
        return any(number in self._waiting for queue in self._unsent for number in queue)

    def messages(self, after: int = 0) -> list[dict[str, Any]]:
        """Return what waits and has a number above `after`, oldest first."""
        return [waiting.message for number, waiting in self._waiting.items() if number > after]

    def add(self, message: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
        """Take in a message, its texts cut to a line; returns what had to be given up for it, with its number."""
        self.number += 1
        waiting = Waiting(encoded({**fitted(message), "n": self.number}), _is_weighty(message))
        if len(waiting.line) > LINE_BYTES_MAX:
            self.lost += 1
            return [(self.number, message)]
        given_up = self._make_room()
        self._waiting[self.number] = waiting
        self._unsent[not waiting.weighty].append(self.number)
        return given_up

    def _make_room(self) -> list[tuple[int, dict[str, Any]]]:
        if len(self._waiting) < MESSAGES_MAX:
            return []
        light = (number for number, waiting in self._waiting.items() if not waiting.weighty)
        oldest = next(light, next(iter(self._waiting)))
        self.lost += 1
        return [(oldest, self._waiting.pop(oldest).message)]

    def acknowledged(self, number: int) -> bool:
        """Forget the message of that number; False when it does not wait."""
        return self._waiting.pop(number, None) is not None

    def send(self, outlet: Outlet) -> None:
        """Send what has not been sent, weighty messages first, until the pipe is full."""
        for queue in self._unsent:
            while queue:
                waiting = self._waiting.get(queue[0])
                if waiting is not None and not outlet.send_line(waiting.line):
                    return
                queue.popleft()

    def send_anew(self) -> None:
        """Count nothing as sent: somebody else listens now."""
        for queue, weighty in zip(self._unsent, (True, False), strict=True):
            queue.clear()
            queue.extend(number for number, waiting in self._waiting.items() if waiting.weighty is weighty)


def _is_weighty(message: dict[str, Any]) -> bool:
    """Whether nothing else tells of it: what was done, what was kept, what people are to be told."""
    return message.get("k") not in ("finding", "refusal") or bool(message.get("notify"))
