"""The host itself runs low: MemAvailable + SwapFree against its RAM (proc(5), /proc/meminfo).

At 10 % earlyoom and the kernel's own reclaim begin to be felt; at 5 % one busy service is seconds from a global kill.
"""

from __future__ import annotations

from typing import Final

from forestall.analyse.latch import Latch
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.target import HOST
from forestall.model.units import format_bytes, format_ratio
from forestall.rules import Rule, View

WARNING_RATIO: Final = 0.10
CRITICAL_RATIO: Final = 0.05
CLEAR_FACTOR: Final = 1.05
CLEAR_SECONDS: Final = 10.0


class HostLow:
    """Finds a host with less than a tenth of its memory left."""

    def check(self, view: View, latches: dict[str, Latch]) -> Finding | None:
        """Judge the host's headroom; other targets are none of this rule's business."""
        reading = view.reading
        if reading.target.kind != HOST or view.host.total_bytes <= 0:
            return None
        now = view.moment.boottime_seconds
        ratio = reading.headroom_bytes / view.host.total_bytes
        critical = self._low(latches["critical"], ratio, CRITICAL_RATIO, now)
        warning = self._low(latches["warning"], ratio, WARNING_RATIO, now)
        if not warning and not critical:
            return None
        return Finding(
            rule="host_low",
            target=reading.target,
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            summary=f"{format_bytes(reading.headroom_bytes)} left on the host, {format_ratio(ratio)} of "
            f"{format_bytes(view.host.total_bytes)}",
            evidence=(
                Evidence("headroom", reading.headroom_bytes, "bytes", "MemAvailable + SwapFree"),
                Evidence("headroom of RAM", ratio, "ratio", "MemTotal"),
            ),
            since_boottime_seconds=latches["critical" if critical else "warning"].since,
        )

    def _low(self, latch: Latch, ratio: float, level: float, now: float) -> bool:
        return latch.feed(
            -ratio, now, raise_above=-level, clear_below=-level * CLEAR_FACTOR, clear_seconds=CLEAR_SECONDS
        )


PLUGIN: Final[Rule] = HostLow()
