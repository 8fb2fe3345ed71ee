"""/proc/pressure/memory and memory.pressure: time lost waiting for memory (Documentation/accounting/psi.rst).

    some avg10=0.00 avg60=0.00 avg300=0.00 total=0
    full avg10=0.00 avg60=0.00 avg300=0.00 total=0

Averages are percent, totals microseconds.
"""

from __future__ import annotations

import re
from typing import Final

from forestall.model.errors import Malformed
from forestall.model.frame import Pressure

SOURCE: Final = "memory pressure"

_AVERAGE: Final = rb"([0-9]{1,3}\.[0-9]{2})"
_LINE: Final = re.compile(
    rb"^(some|full) avg10=%b avg60=%b avg300=%b total=([0-9]{1,20})$" % (_AVERAGE, _AVERAGE, _AVERAGE), re.MULTILINE
)
_MICROSECONDS: Final = 1_000_000


def parse(text: bytes) -> Pressure:
    """Ratios 0..1 and seconds; Malformed unless both the `some` and the `full` line are there."""
    lines = {match[1]: match for match in _LINE.finditer(text)}
    if len(lines) != 2:
        raise Malformed(SOURCE, "no `some` or no `full` line", text)
    some, full = lines[b"some"], lines[b"full"]
    return Pressure(
        some_ratio_10s=_ratio(some[2]),
        some_ratio_60s=_ratio(some[3]),
        some_ratio_300s=_ratio(some[4]),
        full_ratio_10s=_ratio(full[2]),
        full_ratio_60s=_ratio(full[3]),
        full_ratio_300s=_ratio(full[4]),
        some_seconds_total=int(some[5]) / _MICROSECONDS,
        full_seconds_total=int(full[5]) / _MICROSECONDS,
    )


def _ratio(percent: bytes) -> float:
    return min(1.0, float(percent + b"e-2"))
