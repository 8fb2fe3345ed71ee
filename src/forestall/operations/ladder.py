"""The ladder that `run` and `demo` put a command under when no configuration says otherwise."""

from __future__ import annotations

from typing import Final

from forestall.model.policy import Policy, Step
from forestall.parse import condition

WARN_WHEN: Final = "used > 80% of limit for 30s or time_to_limit < 10m"
STOP_WHEN: Final = "used > 92% of limit or used > 85% of limit and time_to_limit < 30s"
"""Kinder than a service's: a program that loads for half a minute and then stays must not be stopped on a forecast."""
RUN_COOLDOWN_SECONDS: Final = 0.0
"""A run is stopped as often as it needs to be: how often it starts again is --restart's to say."""
RUN_ACTS_PER_HOUR_MAX: Final = 3600


def run_policy(grace_seconds: float, *, dry_run: bool = False) -> Policy:
    """Return the ladder of a run: warn on the forecast, stop at the level; times in seconds."""
    warn = Step(condition.parse(WARN_WHEN), condition.deeds(["notify", "capture"]), WARN_WHEN)
    stop = Step(condition.parse(STOP_WHEN), condition.deeds(["terminate"]), STOP_WHEN)
    return Policy(
        match="run:*",
        steps=(warn, stop),
        dry_run=dry_run,
        grace_seconds=grace_seconds,
        cooldown_seconds=RUN_COOLDOWN_SECONDS,
        acts_per_hour_max=RUN_ACTS_PER_HOUR_MAX,
    )
