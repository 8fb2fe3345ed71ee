"""One look for a screen: the agent's newest frame where it is fresh, otherwise this process reads the host itself."""

from __future__ import annotations

import os
from typing import Final

from forestall.model.errors import ForestallError
from forestall.query import now as nows
from forestall.query.freshness import between_seconds
from forestall.query.now import Now
from forestall.query.places import Places
from forestall.system.clock import Clock
from forestall.system.files import read_file
from forestall.system.procfs import Procfs

FRESH_INTERVALS: Final = 3.0
FRESH_SECONDS_MIN: Final = 5.0


def look(places: Places) -> Now:
    """Return what is known now. Raises Absent or Malformed only when /proc itself cannot be read."""
    recorded = recorded_now(places)
    return recorded if recorded is not None else Looker().look()


def recorded_now(places: Places) -> Now | None:
    """Return the agent's newest frame; None when there is no agent, or it has been silent for three intervals."""
    try:
        now = nows.decode(read_file(f"{places.runtime}/now", nows.NOW_BYTES_MAX + 1))
    except ForestallError:
        return None
    if now.health is None:
        return None
    age = between_seconds(now.frame.moment, Clock().now())
    same_boot = now.frame.moment.boot_id == Clock().boot_id
    fresh = age <= max(FRESH_SECONDS_MIN, FRESH_INTERVALS * now.health.interval_seconds)
    return now if same_boot and fresh else None


class Looker:
    """Looks without an agent; the second and later looks know how things grow."""

    def __init__(self, proc_root: str = "/proc") -> None:
        # Collectors and rules are a mebibyte, which a page or a status beside a running agent never needs.
        from forestall.agent.sweep import Sweep
        from forestall.engine import tick

        self._sweep = Sweep(Procfs(proc_root), os.sysconf("SC_PAGE_SIZE"), log_from_start=True)
        self._state = tick.State()
        self._step = tick.step
        self._clock = Clock()

    def look(self) -> Now:
        """Return the host as it is now."""
        frame = self._sweep.frame(self._clock.now())
        ticked = self._step(self._state, frame, {}, interval_seconds=1.0)
        return Now(frame, ticked.findings, ticked.trends, None)
