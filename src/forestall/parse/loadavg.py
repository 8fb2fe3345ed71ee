"""/proc/loadavg: how many tasks run or wait uninterruptibly (proc(5)).

    0.07 0.02 0.00 3/96 5130

Averages over 1, 5 and 15 minutes, runnable and all tasks, the last pid given.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from forestall.model.errors import Malformed

_AVERAGES: Final = re.compile(rb"([0-9]{1,9}\.[0-9]{1,6}) ([0-9]{1,9}\.[0-9]{1,6}) ([0-9]{1,9}\.[0-9]{1,6})(?: |$)")


class Load(NamedTuple):
    """Tasks running or in uninterruptible sleep, averaged over 1, 5 and 15 minutes."""

    one_minute: float
    five_minutes: float
    fifteen_minutes: float


def parse(text: bytes) -> Load:
    """The three averages; Malformed when the line does not begin with them."""
    match = _AVERAGES.match(text)
    if match is None:
        raise Malformed("/proc/loadavg", "does not begin with three averages", text)
    return Load(float(match[1]), float(match[2]), float(match[3]))
