"""Names from the kernel as safe text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.parse.text import NAME_BYTES_MAX, decode, printable


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"nginx", "nginx"),
        ("größe-日本".encode(), "größe-日本"),
        (b"new\nline\t\r", "new\\nline\\t\\r"),
        (b"\x1b[31mred", "\\x1b[31mred"),
        (b"bad\xff", "bad\\xff"),
        (b"dev-disk\\x2dsda", "dev-disk\\x2dsda"),
        ("turn\u202eback".encode(), "turn\\u202eback"),
        ("\U000e0001".encode(), "\\U000e0001"),
        (b"\x85", "\\x85"),
        ("\x85".encode(), "\\x85"),
    ],
)
def test_what_does_not_print_is_escaped(raw: bytes, text: str) -> None:
    """Control characters, escape sequences, direction marks and bytes that are no UTF-8 are written out."""
    assert printable(raw) == text


@given(st.one_of(st.binary(), st.text()))
def test_any_name_becomes_one_printable_line(raw: bytes | str) -> None:
    """Whatever the name, the result prints, and is encodable."""
    text = printable(raw)
    assert text.isprintable()
    text.encode()


def test_a_name_is_cut_at_the_longest_the_kernel_gives() -> None:
    """A megabyte of name does not become a megabyte of text."""
    assert len(printable(b"x" * 2**20)) == NAME_BYTES_MAX


@given(st.binary())
def test_a_decoded_name_leads_back_to_its_bytes(raw: bytes) -> None:
    """Paths survive the way through text, so the file can be opened again."""
    assert decode(raw).encode("utf-8", "surrogateescape") == raw
