"""Tables of integers as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.errors import Malformed
from forestall.store.columns import (
    CELL_MAX,
    TEXT_BYTES_MAX,
    Cursor,
    Shape,
    Table,
    read_number,
    read_table,
    write_number,
    write_table,
    write_text,
)

SHAPE = Shape(2, ("a", "b"))
CELLS = st.none() | st.integers(-CELL_MAX, CELL_MAX) | st.integers(-300, 300)
NAMES = st.tuples(st.sampled_from(["x", "y", "é", "\udc80"]), st.text(max_size=3))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of the shape above, names in any order, now and then twice."""
    texts = draw(st.lists(NAMES, max_size=6))
    size = len(texts)
    columns = {name: draw(st.lists(CELLS, min_size=size, max_size=size)) for name in SHAPE.columns}
    return Table(tuple(texts), columns)


def written(table: Table, before: Table | None) -> bytes:
    """The bytes of a table."""
    out = bytearray()
    write_table(out, table, before, SHAPE)
    return bytes(out)


@given(tables(), st.none() | tables())
def test_a_table_comes_back_whatever_stood_before_it(table: Table, before: Table | None) -> None:
    """Rows that came, went, moved or stayed, cells that changed or vanished: all survive."""
    assert read_table(Cursor(written(table, before)), before, SHAPE) == table


@given(tables(), tables())
def test_one_column_can_be_read_without_the_others(table: Table, before: Table) -> None:
    """A wanted column is the same, read alone or with all others, if the one before was read in the same way."""
    alone = Table(before.texts, {"b": before.columns["b"]})
    got = read_table(Cursor(written(table, before)), alone, SHAPE, {"b"})
    assert got == Table(table.texts, {"b": table.columns["b"]})


@given(st.binary(max_size=60), st.none() | tables())
def test_any_bytes_give_a_table_or_malformed(raw: bytes, before: Table | None) -> None:
    """Hostile bytes raise nothing but Malformed."""
    try:
        table = read_table(Cursor(raw), before, SHAPE)
    except Malformed:
        return
    assert all(len(column) == len(table.texts) for column in table.columns.values())


@given(tables(), st.data())
def test_a_table_that_is_cut_is_malformed(table: Table, data: st.DataObject) -> None:
    """No prefix of a table is taken for a table."""
    raw = written(table, None)
    with pytest.raises(Malformed):
        read_table(Cursor(raw[: data.draw(st.integers(0, len(raw) - 1))]), None, SHAPE)


@given(st.integers(0, 2**69))
def test_a_number_takes_as_many_bytes_as_it_needs(number: int) -> None:
    """Seven bits to a byte, and it comes back."""
    out = bytearray()
    write_number(out, number)
    assert read_number(bytes(out), 0) == (number, len(out))
    assert len(out) == max(1, -(-number.bit_length() // 7))


def test_a_number_without_an_end_is_malformed() -> None:
    """Eleven bytes that all say "more follows" are not a number."""
    with pytest.raises(Malformed, match="without an end"):
        read_number(b"\xff" * 11, 0)


def test_an_unchanged_column_takes_one_byte() -> None:
    """What does not change costs nothing, however many rows there are."""
    table = Table(tuple((str(row), "") for row in range(500)), {"a": list(range(500)), "b": [None] * 500})
    # the count of rows, a byte for each row's place, and a zero for each column
    assert len(written(table, table)) == 2 + 500 + 2


def test_a_row_count_beyond_the_bound_is_refused() -> None:
    """A file cannot make the reader allocate what it likes."""
    out = bytearray()
    write_number(out, 10**9)
    with pytest.raises(Malformed, match="rows"):
        read_table(Cursor(bytes(out)), None, SHAPE)


def test_a_number_out_of_range_is_refused() -> None:
    """Differences that add up beyond 63 bits are not ours."""
    before = Table((("x", ""),), {"a": [CELL_MAX], "b": [0]})
    out = bytearray((1, 0))
    column = bytearray()
    write_number(column, 2 + 2 * CELL_MAX)
    write_number(out, len(column))
    with pytest.raises(Malformed, match="out of range"):
        read_table(Cursor(bytes(out + column) + b"\0"), before, SHAPE)


def test_a_text_beyond_the_bound_is_cut_where_a_character_ends() -> None:
    """A name of 100 kB is kept in part and stays readable."""
    out = bytearray()
    write_text(out, "é" * TEXT_BYTES_MAX)
    assert Cursor(bytes(out)).text() == "é" * (TEXT_BYTES_MAX // 2)
