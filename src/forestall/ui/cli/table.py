"""Columns of text: aligned, fitted to a width by shortening names in the middle, coloured when a person watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from forestall.model.finding import Severity
from forestall.ui.words import UNIT_SUFFIXES

ELLIPSIS: Final = "…"
GAP: Final = " "
COLOURS: Final = {Severity.WARNING: "33", Severity.CRITICAL: "1;31"}
"""SGR codes: yellow, and bold red so that it is told apart without colour vision too."""


class Column(NamedTuple):
    """A heading; numbers are right-aligned. A column with `width_min` may be shortened down to it."""

    title: str
    right: bool = True
    width_min: int | None = None


class Line(NamedTuple):
    """The cells of one row, and how bad it is."""

    cells: tuple[str, ...]
    severity: Severity = Severity.INFO


def lay_out(columns: Sequence[Column], lines: Sequence[Line], width: int | None, colour: bool = False) -> list[str]:
    """The heading and the rows as text, at most `width` cells wide where shortening allows; None = as wide as it is."""
    widths = _widths(columns, lines, width)
    heading = Line(tuple(column.title for column in columns))
    return [paint(_row(columns, line, widths), line.severity, colour) for line in (heading, *lines)]


def paint(text: str, severity: Severity, colour: bool) -> str:
    """The text in the colour of its severity, when colour is wanted."""
    code = COLOURS.get(severity)
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text


def shorten(text: str, width: int) -> str:
    """At most `width` cells, the middle replaced by one ellipsis: both ends of a name tell most.

    A unit's suffix tells least and goes first; targets are found without it, too.
    """
    if cells(text) <= width:
        return text
    for suffix in UNIT_SUFFIXES:
        text = text.removesuffix(suffix)
    if cells(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    head = (width - 1) // 2
    return _leading(text, head) + ELLIPSIS + _leading(text[::-1], width - 1 - head)[::-1]


def cells(text: str) -> int:
    """How many cells of a terminal the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    from unicodedata import combining, east_asian_width  # a large table that plain names never need

    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _leading(text: str, width: int) -> str:
    taken = 0
    for position, character in enumerate(text):
        taken += cells(character)
        if taken > width:
            return text[:position]
    return text


def _widths(columns: Sequence[Column], lines: Sequence[Line], width: int | None) -> list[int]:
    widths = [
        max([cells(column.title), *(cells(line.cells[index]) for line in lines)])
        for index, column in enumerate(columns)
    ]
    if width is None:
        return widths
    over = sum(widths) + len(GAP) * (len(columns) - 1) - width
    while over > 0:
        room = [
            (widths[index] - max(column.width_min, cells(column.title)), index)
            for index, column in enumerate(columns)
            if column.width_min is not None
        ]
        most, index = max(room, default=(0, 0))
        if most <= 0:
            break
        widths[index] -= 1
        over -= 1
    return widths


def _row(columns: Sequence[Column], line: Line, widths: list[int]) -> str:
    parts = [
        _pad(shorten(cell, room) if column.width_min is not None else cell, room, column.right)
        for column, cell, room in zip(columns, line.cells, widths, strict=True)
    ]
    return GAP.join(parts).rstrip()


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - cells(text))
    return space + text if right else text + space
