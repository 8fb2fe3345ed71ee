"""How many events of a kind lately: fed by a counter of the kernel that may begin at nought again, or one by one."""

from __future__ import annotations

from typing import Final

EVENTS_MAX: Final = 128
"""Moments remembered; beyond it the two oldest are taken together, so that none is lost from the count."""


class Tally:
    """Events with their times (boottime seconds), oldest first."""

    __slots__ = ("times", "counts", "_counter")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.counts: list[int] = []
        self._counter: int | None = None

    def read(self, counter: int | None, now: float) -> int:
        """Take the counter's value and return by how much it rose; the first value seen is no event."""
        before = self._counter
        if counter is None:
            return 0
        self._counter = counter
        if before is None:
            return 0
        rise = counter - before if counter >= before else counter
        self.add(rise, now)
        return rise

    def add(self, count: int, now: float) -> None:
        """Take `count` events that happened at `now`."""
        if count <= 0:
            return
        self.times.append(now)
        self.counts.append(count)
        if len(self.times) > EVENTS_MAX:
            self.counts[1] += self.counts[0]
            del self.times[0], self.counts[0]

    def within(self, seconds: float, now: float) -> int:
        """How many events lie within the last `seconds`."""
        return sum(count for time, count in zip(self.times, self.counts, strict=True) if now - time <= seconds)

    @property
    def newest(self) -> float | None:
        """When the last event happened; None = never."""
        return self.times[-1] if self.times else None
