"""Sizes, durations and shares, read and written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model import units
from forestall.model.errors import Malformed


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("512M", 512 * 2**20),
        ("512MiB", 512 * 2**20),
        ("512MB", 512 * 2**20),
        ("512mb", 512 * 2**20),
        ("1G", 2**30),
        ("1.5GiB", 3 * 2**29),
        ("1.5 GiB", 3 * 2**29),
        (" 300 ", 300),
        ("300B", 300),
        ("64k", 65536),
        ("2T", 2**41),
        ("1P", 2**50),
        ("0", 0),
    ],
)
def test_sizes_are_read_as_docker_and_systemd_read_them(text: str, size_bytes: int) -> None:
    """Every suffix is a power of 1024, whatever its case and with or without iB."""
    assert units.parse_bytes(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "-1", "nan", "inf", "1e3", "M", "1X", "1 2", "1_000", "9999P", "1" * 65, "٣M", "1.M"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    """Negative, empty, absurd and foreign numbers are Malformed."""
    with pytest.raises(Malformed):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("250ms", 0.25),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("2d", 172800.0),
        ("1m30s", 90.0),
        ("1h 5m", 3900.0),
        ("1.5h", 5400.0),
        ("0.1s", 0.1),
        ("10", 10.0),
        ("0", 0.0),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """Units from milliseconds to days, sums of them, and a bare number of seconds."""
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-1s", "s", "10x", "30s1m", "1m1m", "1.5m30s", "99999d", "10s!", "nan", "1" * 65])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Unknown units, wrong order, broken parts of a sum and centuries are Malformed."""
    with pytest.raises(Malformed):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "ratio"), [("80%", 0.8), ("0.8", 0.8), ("100%", 1.0), ("1", 1.0), ("0%", 0.0), ("7 %", 0.07)]
)
def test_shares_are_read(text: str, ratio: float) -> None:
    """A share is a percentage or a ratio."""
    assert units.parse_ratio(text) == ratio


@pytest.mark.parametrize("text", ["80", "101%", "-1%", "%", "", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    """A bare 80 could mean either, and more than the whole is a mistake."""
    with pytest.raises(Malformed):
        units.parse_ratio(text)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (3 * 2**29, "1.5 GiB"),
        (512 * 2**20, "512 MiB"),
        (2**20 - 1, "1 MiB"),
        (-2048, "-2 KiB"),
        (2**80, "1048576 EiB"),
        (math.inf, "-"),
        (math.nan, "-"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_fits(size_bytes: float, text: str) -> None:
    """At most one decimal, and never 1024 of a unit."""
    assert units.format_bytes(size_bytes) == text


@pytest.mark.parametrize(("unit", "text"), [("b", "1610612735"), ("k", "1572863"), ("m", "1535"), ("g", "1")])
def test_sizes_in_a_fixed_unit_are_rounded_down(unit: str, text: str) -> None:
    """As free(1) shows them."""
    assert units.format_bytes(3 * 2**29 - 1, unit) == text


def test_rates_are_sizes_per_second() -> None:
    """A rate reads like a size, a negative one keeps its sign, an unknown one is a dash."""
    assert units.format_rate(20 * 2**20) == "20 MiB/s"
    assert units.format_rate(-3 * 2**20) == "-3 MiB/s"
    assert units.format_rate(math.nan) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0001, "0s"),
        (0.25, "250ms"),
        (0.9996, "1s"),
        (1.5, "1.5s"),
        (9.97, "10s"),
        (42, "42s"),
        (59.7, "1m"),
        (61, "1m 1s"),
        (3900, "1h 5m"),
        (3601, "1h"),
        (90061, "1d 1h"),
        (-42, "-42s"),
        (math.inf, "never"),
        (math.nan, "-"),
    ],
)
def test_durations_are_shown_in_two_units_at_most(seconds: float, text: str) -> None:
    """The two longest units, and what does not end is "never"."""
    assert units.format_duration(seconds) == text


@pytest.mark.parametrize(("ratio", "text"), [(0.8, "80%"), (0.012, "1.2%"), (0, "0%"), (1, "100%"), (math.nan, "-")])
def test_shares_are_shown_as_percent(ratio: float, text: str) -> None:
    """Below a tenth with one decimal."""
    assert units.format_ratio(ratio) == text


@given(st.floats(min_value=0, max_value=2**59))
def test_a_size_shown_reads_back_within_its_rounding(size_bytes: float) -> None:
    """Shown sizes are sizes that people may write, off by at most the last digit shown."""
    assert units.parse_bytes(units.format_bytes(size_bytes)) == pytest.approx(size_bytes, rel=0.05, abs=0.6)


@given(st.floats(min_value=0, max_value=1e8))
def test_a_duration_shown_reads_back_within_its_rounding(seconds: float) -> None:
    """Shown durations are durations that people may write, off by at most the unit left out."""
    assert units.parse_duration(units.format_duration(seconds)) == pytest.approx(seconds, rel=0.05, abs=0.0006)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Reading raises nothing but Malformed and never gives a number out of bounds."""
    for read, highest in (
        (units.parse_bytes, units.BYTES_MAX),
        (units.parse_duration, units.SECONDS_MAX),
        (units.parse_ratio, 1),
    ):
        try:
            value = read(text)
        except Malformed:
            continue
        assert 0 <= value <= highest


@given(st.floats())
def test_any_number_can_be_shown(number: float) -> None:
    """Showing raises nothing and stays short, for infinities and not-a-number too."""
    for show in (units.format_bytes, units.format_rate, units.format_duration):
        assert 0 < len(show(number)) <= 320
