"""Frames as bytes."""

from __future__ import annotations

import math
import zlib
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forestall.model.errors import Malformed
from forestall.model.frame import Frame, Host, Moment, Note, Pressure, Reading
from forestall.model.kill import Kill
from forestall.model.target import KINDS, Target
from forestall.model.trend import SHAPES, Trend
from forestall.store.frames import SCALES, WHOLE_MAX, Picture, code, decode, encode, picture, scaled, unpack
from tests.support.frames import FLAT, LEAK, frame, kill, reading

COUNTS = st.integers(-WHOLE_MAX, WHOLE_MAX) | st.integers(0, 2**40)
TEXTS = st.text(max_size=12) | st.just("/system.slice/\udcff.service")


def numbers(name: str, kind: object) -> st.SearchStrategy[Any]:
    """Values of one field at the resolution that is kept of it."""
    scale = SCALES.get(name) or SCALES.get(f"pressure.{name}")
    if scale is None and kind in (float, float | None):
        scale = 64  # kept as it is, in JSON
    exact = COUNTS if scale is None else st.integers(0, 2**50).map(lambda steps: steps / scale)
    if kind is bool:
        return st.booleans()
    return st.none() | exact if kind in (int | None, float | None) else exact


def values(kind: type[Any], **given_fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a NamedTuple of numbers, the other fields given."""
    fields = {
        name: given_fields[name] if name in given_fields else numbers(name, annotation)
        for name, annotation in get_type_hints(kind).items()
    }
    return st.builds(kind, **fields)


PRESSURES = st.none() | values(Pressure)
TARGETS = st.builds(Target, st.sampled_from(KINDS), TEXTS, TEXTS, TEXTS)
READINGS = values(Reading, target=TARGETS, limit_level=TEXTS, pressure=PRESSURES)
KILLS = values(Kill, comm=TEXTS, limit_path=st.none() | TEXTS, victim_path=st.none() | TEXTS, source=TEXTS)
FRAMES = st.builds(
    Frame,
    values(Moment, boot_id=TEXTS),
    values(Host, pressure=PRESSURES),
    st.lists(READINGS, max_size=3).map(tuple),
    st.lists(KILLS, max_size=2).map(tuple),
    st.lists(st.builds(Note, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
)
TRENDS = st.dictionaries(TEXTS, values(Trend, shape=st.sampled_from(SHAPES)), max_size=3)
PICTURES = st.builds(Picture, FRAMES, TRENDS)


def back(now: Picture, before: Picture | None = None) -> Picture:
    """What comes back of a picture packed after another one."""
    last = code(*before) if before else None
    return picture(decode(encode(code(*now), last), last))


@given(PICTURES)
@settings(max_examples=60)
def test_a_key_frame_comes_back_as_it_was(now: Picture) -> None:
    """Every field of host, readings, trends, kills and notes survives."""
    assert back(now) == now


@given(PICTURES, PICTURES)
@settings(max_examples=60)
def test_a_frame_comes_back_after_any_other_one(now: Picture, before: Picture) -> None:
    """A difference from any other frame gives the frame again."""
    assert back(now, before) == now


@given(PICTURES, PICTURES)
@settings(max_examples=30)
def test_some_columns_are_the_same_as_all(now: Picture, before: Picture) -> None:
    """A reader that wants one metric sees the numbers that a reader of everything sees."""
    wanted = frozenset({"wall_seconds", "used_bytes"})
    first, second = code(*before), code(*now)
    some = decode(encode(second, first), decode(encode(first, None), None, wanted), wanted)
    assert some.readings.columns == {"used_bytes": second.readings.columns["used_bytes"]}
    assert scaled("wall_seconds", some.host.columns["wall_seconds"][0]) == now.frame.moment.wall_seconds


@given(st.binary(max_size=80))
def test_any_bytes_give_a_frame_or_malformed(raw: bytes) -> None:
    """Hostile bytes, plain and inside of zlib, raise nothing but Malformed."""
    before = code(frame(), {})
    for head in (b"", b"\x01K", b"\x01D"):
        for body in (raw, zlib.compress(raw)):
            try:
                assert picture(decode(head + body, before)).frame.host
            except Malformed:
                continue


@given(st.data())
@settings(max_examples=150)
def test_a_frame_with_one_byte_changed_is_malformed(data: st.DataObject) -> None:
    """The checksum finds every changed byte: a wrong number is never shown."""
    raw = bytearray(encode(code(frame(), {"x": LEAK}), None))
    place = data.draw(st.integers(2, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        got = picture(decode(bytes(raw), None))
    except Malformed:
        return
    assert got == Picture(frame(), {"x": LEAK})  # a bit of zlib's head that means nothing


def test_a_frame_that_is_cut_anywhere_is_malformed() -> None:
    """No prefix of a frame is taken for a frame."""
    raw = encode(code(frame(kills=(kill("api.service"),)), {}), None)
    for end in range(len(raw)):
        with pytest.raises(Malformed):
            picture(decode(raw[:end], None))


def test_a_difference_needs_the_frame_before_it() -> None:
    """A reader that has lost the key frame is told so."""
    first = code(frame(), {})
    with pytest.raises(Malformed, match="before it is missing"):
        decode(encode(first, first), None)


def test_unpacking_never_makes_more_than_the_bound() -> None:
    """A small file that unpacks to a gigabyte is refused, and no gigabyte is made."""
    bomb = zlib.compress(b"\0" * 10_000_000)
    assert len(bomb) < 20_000
    with pytest.raises(Malformed, match="too large"):
        unpack(bomb, 1_000_000)


def test_bytes_after_the_end_are_refused() -> None:
    """Two frames glued together are not one."""
    with pytest.raises(Malformed, match="left over"):
        unpack(zlib.compress(b"x") + b"y", 100)


@pytest.mark.parametrize("missing", ["used_bytes", "headroom_bytes", "usage_bytes"])
def test_a_reading_without_a_number_it_must_have_is_malformed(missing: str) -> None:
    """A hostile file cannot put None where every screen calculates."""
    coded = code(frame(), {})
    coded.readings.columns[missing][0] = None
    with pytest.raises(Malformed, match=missing):
        picture(coded)


def test_half_a_pressure_is_malformed() -> None:
    """Pressure is known whole or not at all."""
    coded = code(frame(), {})
    coded.readings.columns["pressure.some_ratio_10s"][0] = None
    with pytest.raises(Malformed, match="half a pressure"):
        picture(coded)


@pytest.mark.parametrize(("seconds", "kept"), [(math.inf, (2**63 - 1) / 1000), (math.nan, 0.0)])
def test_a_number_that_is_not_finite_is_kept_as_far_as_it_fits(seconds: float, kept: float) -> None:
    """An infinite time to the limit becomes a very long one; not-a-number becomes nothing."""
    trend = FLAT._replace(time_to_limit_seconds=seconds)
    assert back(Picture(frame(), {"x": trend})).trends["x"].time_to_limit_seconds == kept


def test_an_estimate_is_kept_to_its_own_precision() -> None:
    """A trend's numbers lose what they never knew: parts of a byte, of a millisecond, of a thousandth."""
    trend = Trend(123.4567, 9.87654, None, None, 0.98765, "growing", 1.0, 5, 1.0)
    kept = back(Picture(frame(), {"x": trend})).trends["x"]
    assert kept == Trend(123.0, 9.877, None, None, 0.988, "growing", 1.0, 5, 1.0)


def test_quiet_targets_cost_almost_nothing() -> None:
    """200 services of which one grows take less than 0.1 bytes a number."""
    quiet = [reading(f"s{index}.service") for index in range(200)]
    first = code(frame(*quiet), {})
    quiet[7] = quiet[7]._replace(used_bytes=quiet[7].used_bytes + 4096)
    numbers_kept = 200 * len(first.readings.columns)
    assert len(encode(code(frame(*quiet), {}), first)) < 0.1 * numbers_kept
