"""A condition of a policy step as a tree; `parse.condition` makes it, `engine.conditions` evaluates it.

cond  = and {"or" and} ;  and = unary {"and" unary} ;  unary = ["not"] prim ["for" DUR]
prim  = "(" cond ")" | NAME CMP NUM [UNIT] ["of limit"] ["in" DUR]
"""

from __future__ import annotations

from typing import Final, NamedTuple, Union

METRICS: Final = ("used", "headroom", "swap", "growth", "time_to_limit", "pressure", "kills", "near_misses")

BYTES: Final = "bytes"
RATIO_OF_LIMIT: Final = "ratio of limit"
SECONDS: Final = "seconds"
RATIO: Final = "ratio"
BYTES_PER_SECOND: Final = "bytes per second"
COUNT: Final = "count"

COUNT_WINDOW_SECONDS: Final = 300.0
"""`kills` and `near_misses` are counted over this long when no `in DUR` is given."""


class Comparison(NamedTuple):
    """NAME CMP NUM: `value` in SI units of `unit` (one of the constants above), `operator` one of < <= > >=.

    `window_seconds` counts only for kills and near_misses.
    """

    metric: str
    operator: str
    value: float
    unit: str
    window_seconds: float = COUNT_WINDOW_SECONDS


class Not(NamedTuple):
    """True when `inner` is not."""

    inner: "Condition"


class All(NamedTuple):
    """True when every part is (`and`)."""

    parts: "tuple[Condition, ...]"


class Either(NamedTuple):
    """True when any part is (`or`)."""

    parts: "tuple[Condition, ...]"


class For(NamedTuple):
    """True when `inner` has been true without a break for `seconds`; a gap in the series begins it again."""

    inner: "Condition"
    seconds: float


Condition = Union[Comparison, Not, All, Either, For]
