"""The recent past of one number, kept small: what trends, growth and screens are computed from.

Samples come 20 ms to 10 s apart. They are folded into buckets of 1 s; closed buckets are folded into buckets of
10 s, those into buckets of 100 s. A bucket keeps its lowest and its highest value with their times, so that the
teeth of a saw-tooth survive the folding. Each ring holds 128 buckets: two minutes, twenty minutes and three and
a half hours in at most 12 KiB a target, whatever the pace of sampling.
"""

from __future__ import annotations

from array import array
from typing import Final, NamedTuple

SCALES_SECONDS: Final = (1.0, 10.0, 100.0)
BUCKETS_MAX: Final = 128


class Points(NamedTuple):
    """A series as a line through its extremes, oldest first: times (boottime seconds) and values, equally many."""

    times: list[float]
    values: list[float]


class Ring:
    """The last 128 buckets of one width, and the bucket that is still open."""

    __slots__ = (
        "coarser",
        "width_seconds",
        "low_times",
        "lows",
        "high_times",
        "highs",
        "oldest",
        "end",
        "low_time",
        "low",
        "high_time",
        "high",
    )

    def __init__(self, width_seconds: float, coarser: Ring | None) -> None:
        self.width_seconds = width_seconds
        self.coarser = coarser
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.low_times = array("d")
        self.lows = array("d")
        self.high_times = array("d")
        self.highs = array("d")
        self.oldest = 0
        self.end = float("-inf")
        self.low_time = self.low = self.high_time = self.high = 0.0
        if self.coarser is not None:
            self.coarser.clear()

    @property
    def full(self) -> bool:
        """Whether older buckets have been overwritten: only then does a coarser ring know more."""
        return len(self.lows) == BUCKETS_MAX

    def fold(self, low_time: float, low: float, high_time: float, high: float) -> None:
        """Take in a stretch of the past that is no longer than a bucket; it counts for the bucket it ends in."""
        ends = high_time if high_time > low_time else low_time
        if ends < self.end:
            if low < self.low:
                self.low, self.low_time = low, low_time
            if high > self.high:
                self.high, self.high_time = high, high_time
            return
        if self.end > float("-inf"):
            self._close()
        self.end = (ends // self.width_seconds + 1.0) * self.width_seconds
        self.low_time, self.low, self.high_time, self.high = low_time, low, high_time, high

    def _close(self) -> None:
        if len(self.lows) < BUCKETS_MAX:
            self.low_times.append(self.low_time)
            self.lows.append(self.low)
            self.high_times.append(self.high_time)
            self.highs.append(self.high)
        else:
            at = self.oldest
            self.low_times[at], self.lows[at] = self.low_time, self.low
            self.high_times[at], self.highs[at] = self.high_time, self.high
            self.oldest = (at + 1) % BUCKETS_MAX
        if self.coarser is not None:
            self.coarser.fold(self.low_time, self.low, self.high_time, self.high)

    def nearest(self, wanted: float) -> tuple[float, float]:
        """Time and value of the extreme that lies nearest to `wanted`, searched from the newest bucket backwards."""
        best = (self.low_time, self.low)
        if abs(self.high_time - wanted) < abs(self.low_time - wanted):
            best = (self.high_time, self.high)
        count = len(self.lows)
        for back in range(1, count + 1):
            if best[0] <= wanted:
                break
            at = (self.oldest - back) % count
            for time, value in ((self.low_times[at], self.lows[at]), (self.high_times[at], self.highs[at])):
                if abs(time - wanted) < abs(best[0] - wanted):
                    best = (time, value)
            if self.low_times[at] <= wanted and self.high_times[at] <= wanted:
                break
        return best


class Series:
    """The history of one target's use; a restart or a gap begins it anew.

    `append` costs about 1 us. Times must not run backwards: a sample that is not later than the last is ignored.
    """

    __slots__ = ("rings", "last_time", "last", "first_time", "samples")

    def __init__(self) -> None:
        coarse = Ring(SCALES_SECONDS[2], None)
        middle = Ring(SCALES_SECONDS[1], coarse)
        self.rings = (Ring(SCALES_SECONDS[0], middle), middle, coarse)
        self.begin_again()

    def begin_again(self) -> None:
        """Forget the past: no slope reaches across a restart, a gap or a suspend."""
        self.rings[0].clear()
        self.first_time = self.last_time = float("-inf")
        self.last = 0.0
        self.samples = 0

    def append(self, time: float, value: float) -> None:
        """Take one sample: boottime seconds and the value."""
        if time <= self.last_time:
            return
        if not self.samples:
            self.first_time = time
        self.samples += 1
        self.last_time = time
        self.last = value
        fine = self.rings[0]
        if time >= fine.end:
            fine.fold(time, value, time, value)
        elif value > fine.high:
            fine.high, fine.high_time = value, time
        elif value < fine.low:
            fine.low, fine.low_time = value, time

    def points(self, scale: int) -> Points:
        """The past at one scale (index into SCALES_SECONDS), the buckets that are still open and the last sample."""
        times: list[float] = []
        values: list[float] = []
        ring = self.rings[scale]
        split = ring.oldest
        for part in (slice(split, None), slice(0, split)):
            for low_time, low, high_time, high in zip(
                ring.low_times[part], ring.lows[part], ring.high_times[part], ring.highs[part], strict=True
            ):
                if low_time < high_time:
                    times += (low_time, high_time)
                    values += (low, high)
                elif high_time < low_time:
                    times += (high_time, low_time)
                    values += (high, low)
                else:
                    times.append(high_time)
                    values.append(high)
        for open_ring in self.rings[scale::-1]:
            for time, value in sorted({(open_ring.low_time, open_ring.low), (open_ring.high_time, open_ring.high)}):
                if open_ring.end > float("-inf") and (not times or time > times[-1]):
                    times.append(time)
                    values.append(value)
        if self.samples and self.last_time > times[-1]:
            times.append(self.last_time)
            values.append(self.last)
        return Points(times, values)

    def growth(self, seconds: float) -> float | None:
        """By how much the last sample exceeds the one `seconds` (at most 120) before; None if there was none.

        A past of at least half of `seconds` is stretched to it, so that a young target has a growth too.
        """
        if self.samples < 2 or self.last_time - self.first_time < seconds / 2.0:
            return None
        time, value = self.rings[0].nearest(self.last_time - seconds)
        return (self.last - value) * seconds / (self.last_time - time) if self.last_time > time else None
