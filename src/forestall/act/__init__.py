"""One file per act: what the guard and its hands can do to a target. Acts carry out, they do not decide.

A stop is driven by the guard itself, a step at each wake, never waiting
(`terminate`); what may block is carried out by a child with a deadline
(`ByHand`). Each file exports its act as `PLUGIN`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Protocol

from forestall.model.policy import Policy
from forestall.model.target import Target

_MARK: Final = re.compile(r"\{(?:name|unit|path|kind)\}")


class Job(NamedTuple):
    """What a hand is asked to do: a program with its words, its environment on top of ours, a deadline in seconds."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    deadline_seconds: float


class ByHand(Protocol):
    """An act that a hand carries out."""

    def job(self, target: Target, policy: Policy, why: str) -> Job:
        """Return what to run; raises Misuse when the policy does not say."""


def job_for(argv: tuple[str, ...], target: Target, why: str, deadline_seconds: float) -> Job:
    """Return a job with {name}, {unit}, {path} and {kind} of the target put into argv; other braces stay."""
    facts = {"{name}": target.name, "{unit}": target.name, "{path}": target.path, "{kind}": target.kind}
    # All marks in one pass: what a name brings along in braces is nobody's mark.
    words = [_MARK.sub(lambda mark: facts[mark[0]], word) for word in argv]
    told = (
        ("FORESTALL_TARGET", target.name),
        ("FORESTALL_KIND", target.kind),
        ("FORESTALL_CGROUP", target.path),
        ("FORESTALL_WHY", why),
    )
    return Job(tuple(words), told, deadline_seconds)
