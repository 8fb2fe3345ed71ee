"""`scripts/run`: the agent and the page together, for as long as somebody looks."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from typing import Final

from forestall.config.schema import Config
from forestall.model.errors import Absent
from forestall.operations.agent import start_agent
from forestall.operations.look import recorded_now
from forestall.query.places import Places
from forestall.system.clock import boottime_seconds, sleep
from forestall.system.process import Held, Launch, launch

FIRST_FRAME_SECONDS_MAX: Final = 15.0
END_SECONDS_MAX: Final = 8.0
LOOKED_AT_SECONDS: Final = 2.0


def brisk(config: Config) -> Config:
    """Return the configuration with a livelier pace where no file says otherwise: somebody is looking."""
    if config.files:
        return config
    return config._replace(agent=config.agent._replace(interval_seconds=LOOKED_AT_SECONDS))


class Together:
    """An agent and a page, ended together."""

    def __init__(self, config: Config, places: Places, page: tuple[str, ...], environment: Mapping[str, str]) -> None:
        """Start both; `page` is the command of the page's server. Raises Absent when the agent does not start."""
        self._children: list[Held] = []
        self._lifeline_fd = -1
        self._places = places
        try:
            agent = start_agent(brisk(config), places)
            self._lifeline_fd = agent.lifeline_fd
            self._children.append(agent.guard)
            self._await_first_frame()
            self._children.append(Held(launch(Launch(page, environment, own_session=True, dies_with_us=True))))
        except BaseException:
            self.end()
            raise

    def _await_first_frame(self) -> None:
        until = boottime_seconds() + FIRST_FRAME_SECONDS_MAX
        while boottime_seconds() < until and self._children[0].alive():
            if recorded_now(self._places) is not None:
                return
            sleep(0.05)
        raise Absent("the agent's first frame", "see its words above; is another agent running?")

    def alive(self) -> bool:
        """Whether both still run."""
        return all(child.alive() for child in self._children)

    def end(self) -> None:
        """End both and wait for them; what does not end in time is killed."""
        for child in reversed(self._children):
            _signal(child, signal.SIGTERM)
        until = boottime_seconds() + END_SECONDS_MAX
        for child in self._children:
            while child.alive() and boottime_seconds() < until:
                sleep(0.02)
            _signal(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, 0)
            child.close()
        self._children.clear()
        if self._lifeline_fd >= 0:
            os.close(self._lifeline_fd)
            self._lifeline_fd = -1


def _signal(child: Held, number: int) -> None:
    try:
        child.signal(number)
    except Absent:
        return
