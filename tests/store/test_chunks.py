"""Points of a series as bytes."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.errors import Malformed
from forestall.store.chunks import decode, encode, gather
from forestall.store.series import Point

TIMES = st.integers(0, 4_000_000_000_000).map(lambda milli: milli / 1000)


@st.composite
def points(draw: st.DrawFn) -> Point:
    """A point whose last value lies between the lowest and the highest."""
    low, last, high = sorted(draw(st.lists(st.integers(0, 2**50), min_size=3, max_size=3)))
    return Point(draw(TIMES), float(low), float(high), float(last))


@given(st.lists(points(), max_size=20))
def test_points_come_back_as_they_were(series: list[Point]) -> None:
    """Any times, any values."""
    assert decode(encode(series, 1), 1) == series


def test_shares_keep_four_digits() -> None:
    """As many as the kernel prints of a pressure."""
    assert decode(encode([Point(1.0, 0.1234, 0.5, 0.25)], 10_000), 10_000) == [Point(1.0, 0.1234, 0.5, 0.25)]


def test_an_hour_that_does_not_change_takes_a_few_bytes() -> None:
    """360 points of a quiet service."""
    quiet = [Point(1_800_000_000.0 + 10 * index, 5e8, 5e8, 5e8) for index in range(360)]
    assert len(encode(quiet, 1)) < 50


@given(st.binary(max_size=60))
def test_any_bytes_give_points_or_malformed(raw: bytes) -> None:
    """Hostile bytes, plain and inside of zlib, raise nothing but Malformed."""
    for attempt in (raw, b"\x01" + zlib.compress(raw)):
        try:
            decode(attempt, 1)
        except Malformed:
            continue


def test_a_chunk_that_is_cut_or_too_large_is_malformed() -> None:
    """No prefix is taken for the whole, and a count beyond the bound is refused."""
    raw = encode([Point(float(index), 1.0, 1.0, 1.0) for index in range(50)], 1)
    for end in range(len(raw)):
        with pytest.raises(Malformed):
            decode(raw[:end], 1)
    with pytest.raises(Malformed, match="points"):
        decode(b"\x01" + zlib.compress(b"\xff\xff\xff\x7f"), 1)


def test_points_of_one_step_become_one() -> None:
    """Lowest, highest and last of each step; a spike of one second stays visible."""
    fine = [Point(100.0 + index, 5.0, 9.0 if index == 7 else 5.0, 5.0 + index / 100) for index in range(15)]
    assert gather(fine, 10.0) == [Point(100.0, 5.0, 9.0, 5.09), Point(110.0, 5.0, 5.0, 5.14)]
