"""Tables of integers as compact bytes: column by column, each cell as its difference from the table before.

One tick of all targets is a table with a row per target. Between two ticks most
cells do not change and the others change by little, so a column is mostly zero
bytes, which zlib shrinks to almost nothing. Columns carry their length, so that a
reader that wants one of them steps over the rest.

    table  = rows links column*
    links  = per row: 0 the row after the one before | 1 a new row, its texts follow | 2 + index in the table before
    column = length cell*        length 0: nothing changed
    cell   = 0 as before | 1 None | 2 + zigzag(difference from before, or from 0 where there was none)

Every number is a little-endian base-128 varint. Reading raises nothing but Malformed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from forestall.model.errors import Malformed

Cell = int | None

ROWS_MAX: Final = 65_536
TEXT_BYTES_MAX: Final = 65_536
CELL_MAX: Final = 2**63 - 1
NUMBER_BYTES_MAX: Final = 10

_SOURCE: Final = "frame"
_NEXT: Final = 0
_NEW: Final = 1
_JUMP: Final = 2
_SAME: Final = 0
_NONE: Final = 1
_MOVED: Final = 2


class Table(NamedTuple):
    """Rows by their texts (what makes a row the same row in the next table) and named columns of whole numbers."""

    texts: tuple[tuple[str, ...], ...]
    columns: dict[str, list[Cell]]


class Shape(NamedTuple):
    """What both ends know of a table beforehand: how many texts a row has, and the columns in order."""

    texts: int
    columns: tuple[str, ...]


class Cursor:
    """A place in bytes that are not trusted."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def number(self) -> int:
        """Read one varint; raises Malformed at the end of the bytes or when it is too long."""
        number, self._at = read_number(self._raw, self._at)
        return number

    def take(self, count: int) -> bytes:
        """Read exactly `count` bytes."""
        taken = self._raw[self._at : self._at + count]
        if len(taken) != count:
            raise Malformed(_SOURCE, "cut short")
        self._at += count
        return taken

    def rest(self) -> bytes:
        """All that has not been read yet."""
        return self._raw[self._at :]

    def text(self) -> str:
        """Read one text with its length."""
        length = self.number()
        if length > TEXT_BYTES_MAX:
            raise Malformed(_SOURCE, f"text of {length} bytes")
        try:
            return self.take(length).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise Malformed(_SOURCE, "text is not UTF-8") from None


def read_number(raw: bytes, at: int) -> tuple[int, int]:
    """Read the varint at `at`; returns it and where the next one begins."""
    number = shift = 0
    for position in range(at, min(at + NUMBER_BYTES_MAX, len(raw))):
        byte = raw[position]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position + 1
        shift += 7
    raise Malformed(_SOURCE, "number without an end")


def write_number(out: bytearray, number: int) -> None:
    """Append `number` (not negative) as a varint."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def write_text(out: bytearray, text: str) -> None:
    """Append a text with its length; a text over the bound is cut (nothing the kernel names is that long)."""
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > TEXT_BYTES_MAX:
        raw = raw[:TEXT_BYTES_MAX].decode("utf-8", "ignore").encode()
    write_number(out, len(raw))
    out += raw


def write_table(out: bytearray, table: Table, before: Table | None, shape: Shape) -> None:
    """Append `table` as its difference from `before` (None: from nothing)."""
    write_number(out, len(table.texts))
    links = _write_links(out, table, before)
    for name in shape.columns:
        previous = _aligned(before, name, links)
        now = table.columns[name]
        written = b"" if now == previous else _column(now, previous)
        write_number(out, len(written))
        out += written


def read_table(cursor: Cursor, before: Table | None, shape: Shape, wanted: Collection[str] | None = None) -> Table:
    """Read a table written by `write_table`; of its columns only the `wanted` ones (None: all)."""
    links, texts = _read_links(cursor, before, shape)
    columns = {}
    for name in shape.columns:
        raw = cursor.take(cursor.number())
        if wanted is None or name in wanted:
            previous = _aligned(before, name, links)
            columns[name] = _cells(raw, previous) if raw else list(previous)
    return Table(texts, columns)


def _write_links(out: bytearray, table: Table, before: Table | None) -> list[Cell]:
    known = {texts: index for index, texts in enumerate(before.texts)} if before else {}
    links: list[Cell] = []
    expected = 0
    for texts in table.texts:
        link = known.get(texts)
        links.append(link)
        if link is None:
            write_number(out, _NEW)
            for text in texts:
                write_text(out, text)
            continue
        write_number(out, _NEXT if link == expected else _JUMP + link)
        expected = link + 1
    return links


def _read_links(cursor: Cursor, before: Table | None, shape: Shape) -> tuple[list[Cell], tuple[tuple[str, ...], ...]]:
    rows = cursor.number()
    if rows > ROWS_MAX:
        raise Malformed(_SOURCE, f"{rows} rows")
    known = before.texts if before else ()
    links: list[Cell] = []
    texts: list[tuple[str, ...]] = []
    expected = 0
    for _ in range(rows):
        code = cursor.number()
        if code == _NEW:
            links.append(None)
            texts.append(tuple(cursor.text() for _ in range(shape.texts)))
            continue
        link = expected if code == _NEXT else code - _JUMP
        if link >= len(known):
            raise Malformed(_SOURCE, "a row that was not there before")
        links.append(link)
        texts.append(known[link])
        expected = link + 1
    return links, tuple(texts)


def _aligned(before: Table | None, name: str, links: Sequence[Cell]) -> list[Cell]:
    if before is None:
        return [None] * len(links)
    column = before.columns[name]
    return [None if link is None else column[link] for link in links]


def _column(now: Sequence[Cell], previous: Sequence[Cell]) -> bytes:
    out = bytearray()
    for cell, was in zip(now, previous, strict=True):
        if cell == was:
            out.append(_SAME)
        elif cell is None:
            out.append(_NONE)
        else:
            moved = cell - (was or 0)
            write_number(out, _MOVED + (moved * 2 if moved >= 0 else -moved * 2 - 1))
    return bytes(out)


def _cells(raw: bytes, previous: Sequence[Cell]) -> list[Cell]:
    cells: list[Cell] = []
    at = 0
    for was in previous:
        code, at = read_number(raw, at)
        if code == _SAME:
            cells.append(was)
        elif code == _NONE:
            cells.append(None)
        else:
            cells.append(_moved(was, code - _MOVED))
    if at != len(raw):
        raise Malformed(_SOURCE, "a column with cells left over")
    return cells


def _moved(was: Cell, zigzag: int) -> int:
    cell = (was or 0) + (zigzag >> 1 if not zigzag & 1 else -((zigzag + 1) >> 1))
    if abs(cell) > CELL_MAX:
        raise Malformed(_SOURCE, "number out of range")
    return cell
