"""Restart a service by the command that its policy names (argv, no shell)."""

from __future__ import annotations

from typing import Final

from forestall.act import Job, job_for
from forestall.model.errors import Misuse
from forestall.model.policy import Policy
from forestall.model.target import Target

DEADLINE_SECONDS: Final = 120.0
"""systemctl restart waits for the stop (TimeoutStopSec, 90 s by default) and the start."""


class Restart:
    """The act "restart"."""

    def job(self, target: Target, policy: Policy, why: str) -> Job:
        """Return the restart command for this target; raises Misuse when the policy names none."""
        if not policy.restart:
            hint = 'restart = ["systemctl", "restart", "{unit}"]'
            raise Misuse(f'act "restart" for {policy.match}', "no restart command is configured", hint, 3)
        return job_for(policy.restart, target, why, DEADLINE_SECONDS)


PLUGIN = Restart()
