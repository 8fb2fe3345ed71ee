"""The `match` of a `[[service]]`: which targets it means, and which policy a target gets when several mean it.

    host | unit:GLOB | container:GLOB | pod:NS/GLOB | cgroup:/GLOB | process:GLOB | run:GLOB

`*` stands for anything up to the next `/`, `**` for anything at all; every other character for itself. `cgroup:`
means a path below the memory mount, whatever kind of target lives there. The most literal match wins (one without
any star before all others, then the one with more characters that are not stars), then the later one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from forestall.model.errors import Malformed
from forestall.model.policy import Policy
from forestall.model.target import CGROUP, CONTAINER, HOST, POD, PROCESS, RUN, UNIT, Target

KINDS: Final = (HOST, UNIT, CONTAINER, POD, CGROUP, PROCESS, RUN)
GLOB_MAX: Final = 4096
STARS_MAX: Final = 16
"""Bounds the work of a match: each star multiplies it."""

_STARS: Final = re.compile(r"(\*+)")


class Match(NamedTuple):
    """A `match` ready for use. `rank` orders matches of one target: higher is more literal."""

    kind: str
    pattern: re.Pattern[str]
    rank: tuple[bool, int]

    def fits(self, target: Target) -> bool:
        """Whether it means the target."""
        if self.kind == CGROUP:
            return bool(target.path) and self.pattern.fullmatch(target.path) is not None
        if self.kind != target.kind:
            return False
        return self.kind == HOST or self.pattern.fullmatch(target.name) is not None


class Matcher:
    """Policies with their matches read once: a host has hundreds of targets."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._known = [(parse(policy.match), policy) for policy in policies]

    def policy_for(self, target: Target) -> Policy | None:
        """The policy of a target, or None; of equally literal ones the last."""
        found: Policy | None = None
        best: tuple[bool, int] | None = None
        for match, policy in self._known:
            if (best is None or match.rank >= best) and match.fits(target):
                found, best = policy, match.rank
        return found


def policy_for(policies: Sequence[Policy], target: Target) -> Policy | None:
    """As `Matcher(policies).policy_for(target)`, for one target."""
    return Matcher(policies).policy_for(target)


def parse(text: str) -> Match:
    """Read a `match`; raises Malformed that says what is wrong with it."""
    kind, colon, glob = text.partition(":")
    if kind not in KINDS:
        raise Malformed("match", f'"{kind}" is none of {", ".join(KINDS)}')
    if kind == HOST:
        if colon:
            raise Malformed("match", "host stands alone, there is only one")
        return Match(HOST, re.compile(""), (True, 0))
    if not glob:
        raise Malformed("match", f"{kind}: lacks a name (such as {kind}:{_EXAMPLES[kind]})")
    if len(glob) > GLOB_MAX or glob.count("*") > STARS_MAX:
        raise Malformed("match", f"longer than {GLOB_MAX} characters or more than {STARS_MAX} stars")
    if kind == CGROUP and glob[0] not in "/*":
        raise Malformed("match", 'cgroup: needs a path from the memory mount on, beginning with "/"')
    parts = _STARS.split(glob)
    literal = sum(len(part) for part in parts[::2])
    return Match(kind, re.compile("".join(map(_expression, parts)), re.DOTALL), ("*" not in glob, literal))


_EXAMPLES: Final = {
    UNIT: "api-*.service",
    CONTAINER: "web-*",
    POD: "shop/api-*",
    CGROUP: "/system.slice/**",
    PROCESS: "java",
    RUN: "*",
}


def _expression(part: str) -> str:
    if part.startswith("**"):
        return ".*"
    return "[^/]*" if part == "*" else re.escape(part)
