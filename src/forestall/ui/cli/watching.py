"""What screens look with: the agent's frames, or looks of their own, the time it is then, and where a process lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from forestall.model.frame import Moment
from forestall.operations.look import Looker, recorded_now
from forestall.query.find import PathOf
from forestall.query.freshness import moment
from forestall.query.here import own_places
from forestall.query.now import Now
from forestall.query.places import Places
from forestall.query.whereabouts import cgroup_of


class Watch(NamedTuple):
    """The eyes of a screen, as values so that a test can give it others."""

    look: Callable[[], Now]
    moment: Callable[[], Moment]
    path_of: PathOf


class Eyes:
    """Looks again and again; without an agent its second look knows how things grow."""

    def __init__(self, where: Places) -> None:
        self.where = where
        self._looker: Looker | None = None

    def look(self) -> Now:
        """The agent's newest frame while it runs, else the host as this process sees it."""
        recorded = recorded_now(self.where)
        if recorded is not None:
            self._looker = None
            return recorded
        if self._looker is None:
            self._looker = Looker()
        return self._looker.look()


def live(state_dir: str | None) -> Watch:
    """Eyes on this machine, and on the agent whose files are below `state_dir`."""
    return Watch(Eyes(own_places(state_dir)).look, moment, cgroup_of)
