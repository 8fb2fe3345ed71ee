"""Words, numbers and signs of a condition, each with its column, for messages that point at the mistake."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from forestall.model.errors import Malformed

TEXT_CHARACTERS_MAX: Final = 1000

DIGITS_MAX: Final = 15
"""A double holds fifteen decimal digits, so every number that is taken can be written again as it was."""

FRACTION_DIGITS_MAX: Final = 6

_TOKEN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)|([A-Za-z_]+)|(<=|>=|[<>()%/])")
_BLANK: Final = re.compile(r"\s*")


class Token(NamedTuple):
    """One token and its column (from 1); `number` says that it is one."""

    text: str
    column: int
    number: bool = False


class Tokens:
    """The tokens of one text, read once from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > TEXT_CHARACTERS_MAX:
            raise Malformed("condition", f"longer than {TEXT_CHARACTERS_MAX} characters", _excerpt(text))
        self._text = text
        self._tokens = self._split()
        self._next = 0

    def peek(self) -> Token | None:
        """The next token, None at the end."""
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def take(self, expected: str) -> Token:
        """The next token, whatever it is; Malformed with `expected` at the end of the text."""
        token = self.peek()
        if token is None:
            raise self.mistake(f"ends too early (expected: {expected})", None)
        self._next += 1
        return token

    def accept(self, text: str) -> bool:
        """Whether the next token is `text`; then it is taken."""
        token = self.peek()
        if token is None or token.text != text:
            return False
        self._next += 1
        return True

    def mistake(self, why: str, at: Token | None) -> Malformed:
        """The error that points at `at` (None: at the end)."""
        column = len(self._text) + 1 if at is None else at.column
        return Malformed("condition", f"column {column}: {why}", _excerpt(self._text))

    def _split(self) -> list[Token]:
        tokens: list[Token] = []
        position = _end_of_blank(self._text, 0)
        while position < len(self._text):
            match = _TOKEN.match(self._text, position)
            if match is None:
                at = Token(self._text[position], position + 1)
                raise self.mistake(f"{at.text!r} does not belong in a condition", at)
            token = Token(match[0], position + 1, match[1] is not None)
            self._check_number(token)
            tokens.append(token)
            position = _end_of_blank(self._text, match.end())
        return tokens

    def _check_number(self, token: Token) -> None:
        whole, _, fraction = token.text.partition(".")
        if token.number and (len(whole) + len(fraction) > DIGITS_MAX or len(fraction) > FRACTION_DIGITS_MAX):
            raise self.mistake(f"number has more than {DIGITS_MAX} digits or {FRACTION_DIGITS_MAX} decimals", token)


def _end_of_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return position if match is None else match.end()


def _excerpt(text: str) -> bytes:
    return text.encode("utf-8", "replace")
