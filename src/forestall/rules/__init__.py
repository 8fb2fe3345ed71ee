"""One file per rule: a look at one target's recent past, at most one finding out."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from forestall.analyse.latch import Latch
from forestall.model.finding import Finding
from forestall.model.frame import Host, Moment, Reading
from forestall.model.kill import Kill
from forestall.model.trend import Trend


class View(NamedTuple):
    """What a rule sees of one target at one tick; the host is a reading too, of kind HOST.

    `kill_count` and `killed_boottime_seconds` tell of the last five minutes, `kill` is the newest one that was
    described. `grows_fastest`: the limit is the target's own, or the target makes up most of the growth below it.
    """

    reading: Reading
    host: Host
    trend: Trend
    moment: Moment
    kill_count: int
    killed_boottime_seconds: float | None
    kill: Kill | None
    grows_fastest: bool


class Rule(Protocol):
    """A rule keeps nothing itself: what it must remember of a target lies in the latches that it is handed."""

    def check(self, view: View, latches: dict[str, Latch]) -> Finding | None:
        """Return the finding while it holds, with the time since when; deterministic."""
