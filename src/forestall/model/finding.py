"""What a rule saw: a finding carries its numbers, where they came from, and how sure it is."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from forestall.model.target import Target


class Severity(IntEnum):
    """How bad: the order is the order of screens."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


class Evidence(NamedTuple):
    """One number behind a finding: its name, value, unit ("bytes", "seconds", "ratio", "count"), and signal."""

    name: str
    value: float
    unit: str
    signal: str


class Finding(NamedTuple):
    """One thing that a rule or a policy step saw on one target at one tick.

    `rule` is the rule's file name, or "step" for a policy step that fired; then
    `policy` is the policy's match text and `step` its index (0 = mildest).
    `since_boottime_seconds` is when it began to hold.
    """

    rule: str
    target: Target
    severity: Severity
    summary: str
    evidence: tuple[Evidence, ...]
    since_boottime_seconds: float
    confidence_ratio: float = 1.0
    policy: str = ""
    step: int = -1
