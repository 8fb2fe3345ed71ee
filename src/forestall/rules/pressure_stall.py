"""Tasks of a target stand still waiting for memory: PSI `some avg10` (Documentation/accounting/psi.rst).

A fifth of the time for half a minute is felt by every user of the service; short stalls come with any page-cache miss.
"""

from __future__ import annotations

from typing import Final

from forestall.analyse.latch import Latch
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.units import format_ratio
from forestall.rules import Rule, View

STALL_RATIO: Final = 0.20
STALL_SECONDS: Final = 30.0
CLEAR_FACTOR: Final = 0.95
CLEAR_SECONDS: Final = 10.0


class PressureStall:
    """Finds a target that has been stalling on memory for half a minute."""

    def check(self, view: View, latches: dict[str, Latch]) -> Finding | None:
        """Judge one target; where the kernel tells no pressure there is nothing to say."""
        pressure = view.reading.pressure
        stalled = latches["warning"].feed(
            None if pressure is None else pressure.some_ratio_10s,
            view.moment.boottime_seconds,
            raise_above=STALL_RATIO,
            clear_below=STALL_RATIO * CLEAR_FACTOR,
            hold_seconds=STALL_SECONDS,
            clear_seconds=CLEAR_SECONDS,
        )
        if not stalled or pressure is None:
            return None
        return Finding(
            rule="pressure_stall",
            target=view.reading.target,
            severity=Severity.WARNING,
            summary=f"stalls on memory {format_ratio(pressure.some_ratio_10s)} of the time",
            evidence=(
                Evidence("some avg10", pressure.some_ratio_10s, "ratio", "PSI memory"),
                Evidence("full avg10", pressure.full_ratio_10s, "ratio", "PSI memory"),
            ),
            since_boottime_seconds=latches["warning"].since,
        )


PLUGIN: Final[Rule] = PressureStall()
