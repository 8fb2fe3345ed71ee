"""Columns stay aligned and within the width, whatever the names are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.finding import Severity
from forestall.ui.cli.table import Column, Line, cells, lay_out, paint, shorten

COLUMNS = (Column("NAME", right=False, width_min=6), Column("USED"), Column("WHY", right=False))


def test_numbers_are_right_and_words_left_aligned() -> None:
    """Every row has its cells under the headings, and no row ends in spaces."""
    lines = lay_out(COLUMNS, (Line(("a", "1", "x")), Line(("longer", "1000", ""))), None)
    assert lines == ["NAME   USED WHY", "a         1 x", "longer 1000"]


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=60), min_size=1, max_size=5))
def test_rows_fit_the_width(names: list[str]) -> None:
    """Names of any script are shortened until each row fits, and a name that fits is left whole."""
    lines = lay_out(COLUMNS, [Line((name, "12", "ok")) for name in names], 30)
    assert all(cells(line) <= 30 for line in lines)


def test_without_a_terminal_nothing_is_shortened() -> None:
    """What goes to a file or a filter keeps whole names."""
    assert "n" * 300 in lay_out(COLUMNS, (Line(("n" * 300, "1", "")),), None)[1]


def test_a_width_that_cannot_be_met_keeps_the_numbers() -> None:
    """Numbers are never cut: a wrong number is worse than a long line."""
    assert lay_out(COLUMNS, (Line(("abcdefghij", "123456789", "why")),), 5)[1] == "ab…hij 123456789 why"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("nginx.service", 13, "nginx.service"),
        ("nginx.service", 9, "nginx"),
        ("payments-api-7f9c.service", 11, "payme…-7f9c"),
        ("nginx", 1, "…"),
        ("nginx", 0, ""),
        ("日本語日本語", 7, "日…語"),
    ],
)
def test_the_middle_is_left_out(text: str, width: int, expected: str) -> None:
    """Both ends of a long name stay, and the result is never wider than asked for."""
    assert shorten(text, width) == expected


@given(st.text(max_size=50), st.integers(0, 40))
def test_a_short_form_is_never_too_wide(text: str, width: int) -> None:
    """Wide and combining characters count as the terminal draws them."""
    assert cells(shorten(text, width)) <= width


def test_cells_are_those_of_a_terminal() -> None:
    """Wide characters take two cells, combining ones none."""
    assert [cells("abc"), cells("日本"), cells("é")] == [3, 4, 1]


def test_colour_marks_what_is_bad_and_only_on_demand() -> None:
    """Warnings and worse are painted to the end of their line; without colour there is no escape sequence."""
    assert paint("x", Severity.CRITICAL, colour=True) == "\x1b[1;31mx\x1b[0m"
    assert paint("x", Severity.INFO, colour=True) == "x"
    assert paint("x", Severity.CRITICAL, colour=False) == "x"
    lines = lay_out(COLUMNS, (Line(("a", "1", "x"), Severity.WARNING),), None, colour=True)
    assert lines[1].startswith("\x1b[33m")
    assert lines[0] == "NAME USED WHY"
