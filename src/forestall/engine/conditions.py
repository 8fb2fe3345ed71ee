"""Whether a policy step's condition holds for what is known of a target at a tick.

Three values: True, False and None for "not known". A comparison with an unknown value is None, `not` of it stays
None, and whoever asks takes None for False: nothing is ever done because something could not be read.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final, NamedTuple

from forestall.engine.tally import Tally
from forestall.model.condition import RATIO_OF_LIMIT, All, Comparison, Condition, For, Not
from forestall.model.frame import Reading
from forestall.model.trend import CONFIDENT_RATIO, Trend

COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

STRICT_USED_RATIO: Final = 0.70
STRICT_LASTED_SECONDS: Final = 10.0
STRICT_SAMPLES: Final = 5
"""What a forecast alone must show before it ends a process (design, "Config")."""

Since = dict[tuple[int, ...], float]
"""Per `for` of a condition, by its place in the tree: since when (boottime seconds) its inner part has been true."""


class Facts(NamedTuple):
    """What is known of one target at `now` (boottime seconds). Growth is the mean of a minute, rate of a second."""

    reading: Reading
    trend: Trend
    growth_bytes_per_second: float | None
    rate_bytes_per_second: float | None
    kills: tuple[Tally, ...]
    near_misses: Tally | None
    now: float


def holds(condition: Condition, facts: Facts, since: Since, *, strict: bool = False) -> bool:
    """Evaluate the condition and keep time for its `for` parts in `since`.

    `strict` is for steps that cannot be undone: a comparison of time_to_limit then needs the evidence above, and
    dirty page cache, which the kernel writes back by itself, is no use.
    """
    return _truth(condition, facts, since, strict, 0.0, ()) is True


def lingers(condition: Condition, facts: Facts, margin_ratio: float = 0.05) -> bool:
    """Whether it would still hold if every level were easier to meet by `margin_ratio`; `for` is left out."""
    return _truth(condition, facts, None, False, margin_ratio, ()) is True


def _truth(
    condition: Condition, facts: Facts, since: Since | None, strict: bool, margin: float, place: tuple[int, ...]
) -> bool | None:
    if isinstance(condition, Comparison):
        return _compare(condition, facts, strict, margin)
    if isinstance(condition, Not):
        inner = _truth(condition.inner, facts, since, strict, -margin, (*place, 0))
        return None if inner is None else not inner
    if isinstance(condition, For):
        inner = _truth(condition.inner, facts, since, strict, margin, (*place, 0))
        return inner if since is None else _lasts(inner, condition.seconds, facts.now, since, place)
    # Every part is looked at, also when the first decides: a `for` in a later one must keep its time.
    parts = [_truth(part, facts, since, strict, margin, (*place, index)) for index, part in enumerate(condition.parts)]
    return _all(parts) if isinstance(condition, All) else _either(parts)


def _all(parts: list[bool | None]) -> bool | None:
    if False in parts:
        return False
    return None if None in parts else True


def _either(parts: list[bool | None]) -> bool | None:
    if True in parts:
        return True
    return None if None in parts else False


def _lasts(inner: bool | None, seconds: float, now: float, since: Since, place: tuple[int, ...]) -> bool | None:
    if not inner:
        since.pop(place, None)
        return inner
    return now - since.setdefault(place, now) >= seconds


def _compare(comparison: Comparison, facts: Facts, strict: bool, margin: float) -> bool | None:
    value = _value(comparison, facts, strict)
    if value is None:
        return None
    level = comparison.value
    if comparison.unit == RATIO_OF_LIMIT:
        level *= facts.reading.limit_bytes
    easier = -1.0 if comparison.operator.startswith(">") else 1.0
    return COMPARE[comparison.operator](value, level + easier * margin * abs(level))


def _value(comparison: Comparison, facts: Facts, strict: bool) -> float | None:
    metric = comparison.metric
    reading = facts.reading
    unpressing = reading.dirty_bytes if strict else 0
    if metric == "used":
        return reading.used_bytes - unpressing
    if metric == "headroom":
        return reading.headroom_bytes + unpressing
    if metric == "swap":
        return reading.swap_bytes
    if metric == "growth":
        return facts.growth_bytes_per_second
    if metric == "time_to_limit":
        return None if strict and not is_evident(facts) else facts.trend.time_to_limit_seconds
    if metric == "pressure":
        return None if reading.pressure is None else reading.pressure.some_ratio_10s
    if metric == "kills":
        return max((tally.within(comparison.window_seconds, facts.now) for tally in facts.kills), default=None)
    assert metric == "near_misses", metric
    return None if facts.near_misses is None else facts.near_misses.within(comparison.window_seconds, facts.now)


def is_evident(facts: Facts) -> bool:
    """Whether the forecast may end a process: confident, lasting, of enough samples, and most of the limit used."""
    trend = facts.trend
    return (
        trend.confidence_ratio >= CONFIDENT_RATIO
        and trend.lasted_seconds >= STRICT_LASTED_SECONDS
        and trend.samples >= STRICT_SAMPLES
        and facts.reading.held_bytes >= STRICT_USED_RATIO * facts.reading.limit_bytes
    )
