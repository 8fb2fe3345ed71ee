"""What the guard says, and to whom: the recorder, the command that started it, standard error when nobody is left."""

from __future__ import annotations

from typing import Any

from forestall.agent import telling
from forestall.agent.telling import Recorder, Story
from forestall.model.frame import Moment


class Voice:
    """Tells and hears without ever waiting. `story` is who follows the guard closely, None: nobody."""

    def __init__(self, recorder: Recorder | None) -> None:
        self.recorder = recorder
        self.story: Story | None = None

    @property
    def fds(self) -> set[int]:
        """The descriptors to poll for what is said to the guard."""
        if self.recorder is None or self.recorder.fd is None:
            return set()
        return {self.recorder.fd}

    def due(self) -> float | None:
        """When the recorder's silence will have lasted too long."""
        return None if self.recorder is None else self.recorder.due()

    def tell(self, message: dict[str, Any], moment: Moment) -> None:
        """Tell one thing to everybody who listens."""
        message["at"] = moment.wall_seconds
        if self.story is not None:
            self.story.tell(message)
        if self.recorder is not None:
            self.recorder.send(message, moment.boottime_seconds)

    def hear(self, moment: Moment) -> list[dict[str, Any]]:
        """Return what the recorder says; one that has been silent for too long is replaced."""
        if self.recorder is None:
            return []
        now = moment.boottime_seconds
        said = self.recorder.receive(now)
        if self.story is not None:
            for message in said:
                self.story.tell(message)
        if self.recorder.silent(now):
            self._replace(self.recorder, now)
        return said

    def _replace(self, recorder: Recorder, now: float) -> None:
        for message in recorder.unsaid():
            telling.say(telling.line(message))
        if recorder.replace(now):
            telling.say("forestall: the recorder was silent for 2 s and has been replaced")
