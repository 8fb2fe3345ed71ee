"""Decimal numbers as kernel files print them."""

from __future__ import annotations

import pytest

from forestall.parse.number import unsigned


def test_ascii_digits_are_a_number() -> None:
    """The largest number a kernel file can hold is read."""
    assert unsigned(b"0") == 0
    assert unsigned(b"18446744073709551615") == 2**64 - 1


@pytest.mark.parametrize(
    "raw", [b"", b"-1", b"+1", b" 1", b"1_0", b"1.0", b"0x1", "٣".encode(), b"9" * 21, b"9" * 5000]
)
def test_anything_else_is_none(raw: bytes) -> None:
    """Forms that Python's int takes but no kernel prints, and endless digits, are no numbers."""
    assert unsigned(raw) is None
