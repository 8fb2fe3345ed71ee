"""Policies, frames and whole runs through `engine.tick.step`, for tests of rules and of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forestall.engine.host import host_reading
from forestall.engine.tick import State, Ticked, step
from forestall.model.finding import Finding
from forestall.model.frame import Frame, Host, Moment, Pressure, Reading
from forestall.model.kill import FROM_KERNEL_LOG, Kill
from forestall.model.policy import Policy, Step
from forestall.model.trend import NO_TREND
from forestall.parse.condition import deeds, parse
from forestall.rules import View
from tests.support import frames
from tests.support.frames import MIB
from tests.support.shapes import Shape, samples

LIMIT = 512 * MIB
BOOT = "b00t"
CALM_PRESSURE = frames.CALM


def moment(seconds: float, boot_id: str = BOOT) -> Moment:
    """That many seconds after boot."""
    return Moment(seconds, 1_800_000_000.0 + seconds, boot_id)


def stall(some_ratio_10s: float) -> Pressure:
    """Memory pressure with that avg10."""
    return CALM_PRESSURE._replace(some_ratio_10s=some_ratio_10s)


def policy(*steps: tuple[str, list[str]], match: str = "unit:*", **changes: Any) -> Policy:
    """A policy out of conditions and words as they are written in a configuration."""
    ladder = tuple(Step(parse(when), deeds(words), when) for when, words in steps)
    return Policy(match, ladder)._replace(**changes)


EXAMPLE = policy(
    ("used > 80% of limit for 30s or time_to_limit < 10m", ["notify", "capture"]),
    ("used > 92% of limit or time_to_limit < 60s", ["terminate"]),
)
"""The design's example, with terminate in place of restart."""


def host(headroom_bytes: int | None = None) -> Host:
    """A host of 8 GiB with 1 GiB of swap, or with just so much headroom left."""
    if headroom_bytes is None:
        return frames.HOST
    return frames.HOST._replace(available_bytes=headroom_bytes, swap_free_bytes=0)


def kill_in(path: str, at_boottime_seconds: float, **changes: Any) -> Kill:
    """The kernel log's account of a kill at the limit of that cgroup."""
    kill = Kill(at_boottime_seconds, 0.0, 812, "leaker", path, path, 500 * MIB, MIB, 0, 0, 0, FROM_KERNEL_LOG)
    return kill._replace(**changes)


def view(reading: Reading, seconds: float = 0.0, **changes: Any) -> View:
    """What a rule sees of a reading, calm unless changed."""
    return View(reading, frames.HOST, NO_TREND, moment(seconds), 0, None, None, True)._replace(**changes)


def host_view(host_now: Host, seconds: float = 0.0) -> View:
    """What a rule sees of the host."""
    return view(host_reading(host_now, moment(seconds)), seconds, host=host_now)


def tick(
    state: State, seconds: float, *readings: Reading, policies: dict[str, Policy] | None = None, **changes: Any
) -> Ticked:
    """One step with these readings at that time."""
    frame = Frame(moment(seconds), frames.HOST, readings)._replace(**changes)
    return step(state, frame, policies or {})


def played(
    shape: Shape,
    until_seconds: float,
    ladder: Policy = EXAMPLE,
    *,
    interval_seconds: float = 0.2,
    name: str = "api.service",
    seed: int = 0,
    state: State | None = None,
) -> Iterator[tuple[float, Finding]]:
    """All findings while one service with a limit of 512 MiB uses memory in that shape, with their times."""
    state = state or State()
    pairs = samples(shape, until_seconds=until_seconds, interval_seconds=interval_seconds, noise_ratio=0.002, seed=seed)
    for time, value in pairs:
        one = frames.reading(name, used_bytes=min(int(value), LIMIT), limit_bytes=LIMIT)
        for finding in tick(state, 1000.0 + time, one, policies={one.target.identity: ladder}).findings:
            yield time, finding
