"""One comparison of a condition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.condition import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    METRICS,
    RATIO,
    RATIO_OF_LIMIT,
    SECONDS,
    Comparison,
)
from forestall.model.errors import Malformed
from forestall.parse import quantity
from forestall.parse.token import Tokens

TIMES = ("ms", "s", "m", "h", "d")


def read(text: str) -> Comparison:
    """The comparison that `text` is, to its end."""
    tokens = Tokens(text)
    found = quantity.comparison(tokens)
    assert tokens.peek() is None
    return found


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("used > 80% of limit", Comparison("used", ">", 0.8, RATIO_OF_LIMIT)),
        ("used>=92.5%of limit", Comparison("used", ">=", 0.925, RATIO_OF_LIMIT)),
        ("headroom < 50 MiB", Comparison("headroom", "<", 50 * 2**20, BYTES)),
        ("headroom < 10% of limit", Comparison("headroom", "<", 0.1, RATIO_OF_LIMIT)),
        ("swap <= 1.5G", Comparison("swap", "<=", 1.5 * 2**30, BYTES)),
        ("used > 300B", Comparison("used", ">", 300, BYTES)),
        ("growth > 10MiB/s", Comparison("growth", ">", 10 * 2**20, BYTES_PER_SECOND)),
        ("growth > 60KiB/m", Comparison("growth", ">", 1024, BYTES_PER_SECOND)),
        ("growth > 1 GiB / d", Comparison("growth", ">", 2**30 / 86400, BYTES_PER_SECOND)),
        ("time_to_limit < 10m", Comparison("time_to_limit", "<", 600, SECONDS)),
        ("time_to_limit < 1m30s", Comparison("time_to_limit", "<", 90, SECONDS)),
        ("pressure > 20%", Comparison("pressure", ">", 0.2, RATIO)),
        ("kills > 0", Comparison("kills", ">", 0, COUNT, 300)),
        ("near_misses >= 3 in 10m", Comparison("near_misses", ">=", 3, COUNT, 600)),
    ],
)
def test_every_metric_takes_its_own_unit(text: str, comparison: Comparison) -> None:
    """Values come out in bytes, seconds and ratios."""
    assert read(text) == comparison


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("usd > 1B", 'column 1: unknown name "usd" .known: used, headroom, swap, growth'),
        ("used", "column 5: ends too early .expected: one of < <= > >="),
        ("used of limit", 'column 6: "of" is not one of < <= > >='),
        ("used > much", 'column 8: "much" is not a number'),
        ("used > 80", "column 10: 80 needs a unit"),
        ("used > 80 parsecs", "column 11: 80 needs a unit"),
        ("used > 80%", 'say of what: "80% of limit"'),
        ("used > 80% of", "say of what"),
        ("used > 101% of limit", "column 8: 101% is more than 100%"),
        ("used > 9999999TiB", "more than 1 EiB"),
        ("used > 1B in 5m", 'column 11: "in" goes with kills and near_misses, not with used'),
        ("growth > 5MiB", "column 14: growth is bytes per time, like 10MiB/s"),
        ("growth > 5%", "growth is bytes per time"),
        ("growth > 5MiB/y", '"y" is not a unit of time .known: s, m, h, d'),
        ("pressure > 20", "pressure is a share of time: 20%"),
        ("pressure > 20MiB", "pressure is a share of time: 20%"),
        ("time_to_limit < 10", "column 19: 10 needs a unit of time .known: ms, s, m, h, d"),
        ("time_to_limit < soon", '"soon" is not a duration'),
        ("time_to_limit < 0s", "more than nothing"),
        ("time_to_limit < 9999d", "at most ten years"),
        ("time_to_limit < 30s1m", "from long to short"),
        ("time_to_limit < 1.5m30s", "may have a fraction"),
        ("kills > 0.5", "column 9: a count is a whole number"),
        ("kills > 1%", "does not belong"),
    ],
)
def test_every_mistake_is_pointed_at(text: str, why: str) -> None:
    """The column of the mistake, and what would be right."""
    if why == "does not belong":
        tokens = Tokens(text)
        quantity.comparison(tokens)
        assert tokens.peek() is not None
        return
    with pytest.raises(Malformed, match=why):
        quantity.comparison(Tokens(text))


@st.composite
def numbers(draw: st.DrawFn, whole_digits: int = 9) -> str:
    """A decimal number with up to six decimals."""
    whole = str(draw(st.integers(0, 10**whole_digits)))
    return whole + draw(st.sampled_from(["", "."])).replace(".", f".{draw(st.integers(0, 999999)):06}")


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    """The text of any comparison that may be written."""
    metric = draw(st.sampled_from(METRICS))
    kind = quantity.KIND_BY_METRIC[metric]
    percent = draw(st.decimals(0, 100, places=draw(st.integers(0, 6))))
    if kind == COUNT:
        value = str(draw(st.integers(0, 10**9))) + draw(st.sampled_from(["", " in 7m", " in 1h5m3ms", " in 0.3s"]))
    elif kind == SECONDS:
        value = draw(numbers(3).filter(lambda text: float(text) > 0)) + draw(st.sampled_from(TIMES))
    elif kind == RATIO:
        value = f"{percent:f}%"
    elif kind == BYTES_PER_SECOND:
        value = (
            draw(numbers(6)) + draw(st.sampled_from(list(quantity.BYTES_BY_UNIT))) + "/" + draw(st.sampled_from("smhd"))
        )
    elif draw(st.booleans()):
        value = f"{percent:f}% of limit"
    else:
        value = draw(numbers(6)) + draw(st.sampled_from(list(quantity.BYTES_BY_UNIT)))
    return f"{metric} {draw(st.sampled_from(quantity.OPERATORS))} {value}"


@given(comparisons())
def test_a_comparison_written_again_is_the_same(text: str) -> None:
    """Reading, writing and reading gives exactly the same numbers."""
    comparison = read(text)
    assert read(quantity.comparison_text(comparison)) == comparison


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("used > 1024MiB", "used > 1GiB"),
        ("used > 1536MiB", "used > 1.5GiB"),
        ("used > 1000B", "used > 1000B"),
        ("used > 80.10% of limit", "used > 80.1% of limit"),
        ("time_to_limit < 600s", "time_to_limit < 10m"),
        ("time_to_limit < 90s", "time_to_limit < 90s"),
        ("growth > 5MiB/m", "growth > 5MiB/m"),
        ("kills > 0 in 5m", "kills > 0"),
        ("kills > 0 in 250ms", "kills > 0 in 250ms"),
    ],
)
def test_written_comparisons_are_short(text: str, written: str) -> None:
    """The unit that gives the plainest number."""
    assert quantity.comparison_text(read(text)) == written
