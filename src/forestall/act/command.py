"""Run the policy's own `command` (argv, no shell) in a process group of its own, with a deadline."""

from __future__ import annotations

from typing import Final

from forestall.act import Job, job_for
from forestall.model.errors import Misuse
from forestall.model.policy import Policy
from forestall.model.target import Target

DEADLINE_SECONDS: Final = 60.0


class Command:
    """The act "command"."""

    def job(self, target: Target, policy: Policy, why: str) -> Job:
        """Return the policy's command for this target; raises Misuse when it names none."""
        if not policy.command:
            hint = 'command = ["program", "word"]'
            raise Misuse(f'act "command" for {policy.match}', "no command is configured", hint, 3)
        return job_for(policy.command, target, why, DEADLINE_SECONDS)


PLUGIN = Command()
