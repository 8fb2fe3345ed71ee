"""What the recent past says of a target's use: how fast it grows, when it meets the limit, how sure that is."""

from __future__ import annotations

from typing import Final, NamedTuple

UNKNOWN: Final = "unknown"
STEADY: Final = "steady"
GROWING: Final = "growing"
LEAKING: Final = "leaking"
SAW_TOOTH: Final = "saw-tooth"
WARMING: Final = "warming"
FALLING: Final = "falling"

SHAPES: Final = (UNKNOWN, STEADY, GROWING, LEAKING, SAW_TOOTH, WARMING, FALLING)


class Trend(NamedTuple):
    """One judgement over a series of `used_bytes`.

    `growth_bytes_per_second` is the trend's slope (upper envelope), over about
    a minute or the scale that decided. `time_to_limit_seconds` with its
    interval `_low`/`_high` (None: not growing towards the limit).
    `confidence_ratio` 0..1: at least 0.8 is "confident". `shape` is one of
    SHAPES. `lasted_seconds` and `samples`: how long the growth has lasted and
    over how many samples; `scale_seconds` is the window that decided.
    """

    growth_bytes_per_second: float
    time_to_limit_seconds: float | None
    time_to_limit_seconds_low: float | None
    time_to_limit_seconds_high: float | None
    confidence_ratio: float
    shape: str
    lasted_seconds: float
    samples: int
    scale_seconds: float


CONFIDENT_RATIO: Final = 0.8

NO_TREND: Final = Trend(0.0, None, None, None, 0.0, UNKNOWN, 0.0, 0, 0.0)
