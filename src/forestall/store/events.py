"""What happened, as rows: findings, outcomes, captures, kills and notices with their time and target.

An event told twice (a new recorder takes over what lies in live state) is kept once: its identity says what makes
it the same.
"""

from __future__ import annotations

import json
import zlib
from typing import Final, NamedTuple

from forestall.model.action import Notice, Outcome
from forestall.model.capture import Capture
from forestall.model.errors import Malformed
from forestall.model.finding import Finding
from forestall.model.frame import Moment
from forestall.model.kill import Kill
from forestall.model.plain import plain, value
from forestall.model.target import CGROUP, HOST, Target
from forestall.store.frames import unpack

FINDING: Final = "finding"
OUTCOME: Final = "outcome"
CAPTURE: Final = "capture"
KILL: Final = "kill"
NOTICE: Final = "notice"

DOCUMENT_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bound of one document unpacked; a full capture takes about 1 MiB."""

Value = Finding | Outcome | Capture | Kill | Notice

_TYPES: Final[dict[str, type[Value]]] = {
    FINDING: Finding,
    OUTCOME: Outcome,
    CAPTURE: Capture,
    KILL: Kill,
    NOTICE: Notice,
}


class Event(NamedTuple):
    """One thing that happened: when, to what, and the whole value. Times in seconds, boottime 0 where not known."""

    kind: str
    identity: str
    wall_seconds: float
    boottime_seconds: float
    target: Target
    value: Value


def of_finding(finding: Finding, moment: Moment) -> Event:
    """A finding at the moment it was made; the same again is one that has held since the same time."""
    rule = f"{finding.rule} {finding.policy} {finding.step}"
    identity = f"{moment.boot_id} {finding.target.identity} {rule} {finding.since_boottime_seconds!r}"
    return Event(FINDING, identity, moment.wall_seconds, moment.boottime_seconds, finding.target, finding)


def of_outcome(outcome: Outcome, moment: Moment) -> Event:
    """An outcome at the time its deed began, which `moment` (any of the same boot) maps to the wall clock."""
    began = outcome.began_boottime_seconds
    wall = moment.wall_seconds - moment.boottime_seconds + began
    identity = f"{moment.boot_id} {outcome.action_id} {outcome.deed.verb} {began!r} {outcome.result}"
    return Event(OUTCOME, identity, wall, began, outcome.target, outcome)


def of_capture(capture: Capture) -> Event:
    """A capture at the time it was taken."""
    kept = "minimal" if capture.minimal else "full"
    identity = f"{capture.id} {kept}"
    return Event(CAPTURE, identity, capture.at_wall_seconds, capture.at_boottime_seconds, capture.target, capture)


def of_kill(kill: Kill) -> Event:
    """A kill, filed under the cgroup the victim was in: its limit may be an ancestor's."""
    target = target_of(kill)
    identity = f"{kill.wall_seconds:.0f} {kill.pid} {kill.comm} {target.path}"
    return Event(KILL, identity, kill.wall_seconds, kill.at_boottime_seconds, target, kill)


def of_notice(notice: Notice) -> Event:
    """A notice at the time it was made."""
    return Event(NOTICE, notice.id, notice.at_wall_seconds, 0.0, notice.target, notice)


def target_of(happened: Value) -> Target:
    """To whom it happened; a kill without any cgroup happened to the host."""
    if not isinstance(happened, Kill):
        return happened.target
    path = happened.victim_path or happened.limit_path
    return Target(CGROUP, path, path, path) if path else Target(HOST, HOST, HOST)


def pack(happened: Value) -> bytes:
    """The document of an event."""
    return zlib.compress(json.dumps(plain(happened), separators=(",", ":")).encode())


def read(kind: str, document: bytes) -> Value:
    """The value in a document; raises Malformed for a kind that is not known and for bytes that `pack` never wrote."""
    known = _TYPES.get(kind)
    if known is None:
        raise Malformed("event", f"unknown kind {kind!r}")
    try:
        written = json.loads(unpack(document, DOCUMENT_BYTES_MAX))
    except (ValueError, RecursionError) as error:
        raise Malformed("event", str(error)) from None
    return value(known, written)
