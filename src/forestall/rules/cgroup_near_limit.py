"""A target is near the limit of a cgroup: unreclaimable use against used + headroom at the level that decides.

80 % for half a minute leaves room for a start-up peak or a collection; above 92 % the kernel reclaims on every
allocation and one burst of a few percent ends in a kill.
"""

from __future__ import annotations

from typing import Final

from forestall.analyse.latch import Latch
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.level import HOST_LEVEL
from forestall.model.units import format_bytes, format_ratio
from forestall.rules import Rule, View

WARNING_RATIO: Final = 0.80
WARNING_SECONDS: Final = 30.0
CRITICAL_RATIO: Final = 0.92
CLEAR_FACTOR: Final = 0.95
CLEAR_SECONDS: Final = 10.0


class CgroupNearLimit:
    """Finds a target that has used most of what a cgroup's limit allows."""

    def check(self, view: View, latches: dict[str, Latch]) -> Finding | None:
        """Judge one target; one that only the host bounds is left to the rule host_low."""
        reading = view.reading
        if reading.limit_level == HOST_LEVEL or reading.limit_bytes <= 0:
            return None
        now = view.moment.boottime_seconds
        ratio = reading.held_bytes / reading.limit_bytes
        critical = self._high(latches["critical"], ratio, CRITICAL_RATIO, now, 0.0)
        warning = self._high(latches["warning"], ratio, WARNING_RATIO, now, WARNING_SECONDS)
        if not warning and not critical:
            return None
        whose = "its limit" if reading.limit_own else f"what {reading.limit_level} leaves it"
        return Finding(
            rule="cgroup_near_limit",
            target=reading.target,
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            summary=f"uses {format_bytes(reading.held_bytes)}, {format_ratio(ratio)} of {whose} "
            f"({format_bytes(reading.limit_bytes)})",
            evidence=(
                Evidence("used", reading.held_bytes, "bytes", "memory that can be neither dropped nor written back"),
                Evidence("limit", reading.limit_bytes, "bytes", f"used + headroom at {reading.limit_level}"),
                Evidence("used of limit", ratio, "ratio", "used / limit"),
            ),
            since_boottime_seconds=latches["critical" if critical else "warning"].since,
        )

    def _high(self, latch: Latch, ratio: float, level: float, now: float, hold_seconds: float) -> bool:
        return latch.feed(
            ratio,
            now,
            raise_above=level,
            clear_below=level * CLEAR_FACTOR,
            hold_seconds=hold_seconds,
            clear_seconds=CLEAR_SECONDS,
        )


PLUGIN: Final[Rule] = CgroupNearLimit()
