"""A confident forecast says that a target meets its limit soon (analyse.trend).

Ten minutes are time for a person to look; a minute is time for a graceful stop and little else.
"""

from __future__ import annotations

from typing import Final

from forestall.analyse.latch import Latch
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.trend import CONFIDENT_RATIO, Trend
from forestall.model.units import format_duration, format_rate
from forestall.rules import Rule, View

WARNING_SECONDS: Final = 600.0
CRITICAL_SECONDS: Final = 60.0
CLEAR_FACTOR: Final = 1.05
CLEAR_SECONDS: Final = 10.0


class TimeToLimit:
    """Finds a target that will meet its limit within ten minutes."""

    def check(self, view: View, latches: dict[str, Latch]) -> Finding | None:
        """Judge one target's trend; where others eat a shared limit, they are found instead of their victims."""
        trend = view.trend
        certain = trend.confidence_ratio >= CONFIDENT_RATIO and view.grows_fastest
        seconds = trend.time_to_limit_seconds if certain else None
        now = view.moment.boottime_seconds
        critical = self._soon(latches["critical"], seconds, CRITICAL_SECONDS, now)
        warning = self._soon(latches["warning"], seconds, WARNING_SECONDS, now)
        if seconds is None or not (warning or critical):
            return None
        return Finding(
            rule="time_to_limit",
            target=view.reading.target,
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            summary=f"meets its limit in {format_duration(seconds)}, growing by "
            f"{format_rate(trend.growth_bytes_per_second)} for {format_duration(trend.lasted_seconds)}",
            evidence=_evidence(trend, seconds),
            since_boottime_seconds=latches["critical" if critical else "warning"].since,
            confidence_ratio=trend.confidence_ratio,
        )

    def _soon(self, latch: Latch, seconds: float | None, level: float, now: float) -> bool:
        return latch.feed(
            None if seconds is None else -seconds,
            now,
            raise_above=-level,
            clear_below=-level * CLEAR_FACTOR,
            clear_seconds=CLEAR_SECONDS,
        )


def _evidence(trend: Trend, seconds: float) -> tuple[Evidence, ...]:
    window = f"window of {trend.lasted_seconds:.0f} s, {trend.samples} points"
    numbers = [
        Evidence("time to limit", seconds, "seconds", window),
        Evidence("growth", trend.growth_bytes_per_second, "bytes per second", window),
    ]
    if trend.time_to_limit_seconds_low is not None:
        numbers.append(Evidence("time to limit low", trend.time_to_limit_seconds_low, "seconds", window))
    if trend.time_to_limit_seconds_high is not None:
        numbers.append(Evidence("time to limit high", trend.time_to_limit_seconds_high, "seconds", window))
    return tuple(numbers)


PLUGIN: Final[Rule] = TimeToLimit()
