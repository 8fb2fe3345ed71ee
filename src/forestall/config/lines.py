"""Which line each key and table of a TOML document stands on: tomllib does not tell, and a mistake needs one.

It reads text that tomllib has accepted already, so it only has to step over values (toml.io/en/v1.0.0): strings of
four kinds, arrays and inline tables over several lines, comments. What lies inside of a value has the line of its
key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

Path = tuple[str | int, ...]
"""Keys from the top; in an array of tables the index follows its key: ("service", 0, "step", 1, "when")."""

_SPACE: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BLANK: Final = re.compile(r"[ \t]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_BASIC: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL: Final = re.compile(r"'[^'\n]*'")
_LONG_BASIC: Final = re.compile(r'"""(?:[^\\]|\\.)*?"""("{0,2})', re.DOTALL)
_LONG_LITERAL: Final = re.compile(r"'''.*?'''('{0,2})", re.DOTALL)
_STRINGS: Final = (_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL)
_NO_STRING: Final = re.compile(r"[^\"'#\[\]{}\n]+")


def lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key and table that has one of its own."""
    return _Scan(text).run()


def line_of(known: Mapping[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it."""
    while path and path not in known:
        path = path[:-1]
    return known.get(path, 1)


class _Scan:
    """One walk through a document; `_at` is where it stands."""

    def __init__(self, text: str) -> None:
        # tomllib reads "\r\n" as "\n", and so does the count of lines
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._counted_to = 0
        self._table: Path = ()
        self._arrays: dict[Path, int] = {}
        self._found: dict[Path, int] = {}

    def run(self) -> dict[Path, int]:
        self._step(_SPACE)
        while self._at < len(self._text):
            before = self._at
            if self._text[self._at] == "[":
                self._header()
            else:
                self._pair()
            self._step(_SPACE)
            if self._at == before:  # not TOML after all: nothing more can be told
                break
        return self._found

    def _header(self) -> None:
        line = self._line_here()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        keys = self._keys()
        self._at += 2 if is_array else 1
        *outer, last = keys
        table = self._resolve((), outer)
        if is_array:
            array = (*table, last)
            self._arrays[array] = self._arrays.get(array, -1) + 1
            self._found.setdefault(array, line)
            self._table = (*array, self._arrays[array])
        else:
            self._table = self._resolve(table, [last])
        self._found.setdefault(self._table, line)

    def _pair(self) -> None:
        line = self._line_here()
        path = self._table
        for key in self._keys():
            path = (*path, key)
            self._found.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value()

    def _resolve(self, table: Path, keys: list[str]) -> Path:
        """Follow keys from the top; a key that is an array of tables means its last table."""
        for key in keys:
            table = (*table, key)
            if table in self._arrays:
                table = (*table, self._arrays[table])
        return table

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._step(_BLANK)
            keys.append(self._key())
            self._step(_BLANK)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _key(self) -> str:
        for pattern in (_BARE, _BASIC, _LITERAL):
            found = pattern.match(self._text, self._at)
            if found:
                self._at = found.end()
                return _unquoted(found[0])
        return ""

    def _value(self) -> None:
        """Step over a value to the end of its line."""
        depth = 0
        while self._at < len(self._text):
            self._step(_NO_STRING)
            sign = self._text[self._at : self._at + 1]
            if sign in ("", "\n") and depth == 0:
                return
            if sign == "#":
                self._step(_SPACE if depth else re.compile(r"#[^\n]*"))
            elif sign in ('"', "'"):
                self._string()
            else:
                depth += (sign in "[{") - (sign in "]}") if sign != "\n" else 0
                self._at += 1

    def _string(self) -> None:
        for pattern in _STRINGS:
            found = pattern.match(self._text, self._at)
            if found:
                self._at = found.end()
                return
        self._at += 1

    def _step(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] != '"':
        return key
    try:
        return str(json.loads(key))
    except ValueError:  # \UXXXXXXXX, which JSON does not know
        return re.sub(r"\\U([0-9A-Fa-f]{8})", lambda found: chr(int(found[1], 16)), key[1:-1])
