"""Conditions and deeds of a policy step, from the text in the configuration (grammar: model/condition.py).

    used > 80% of limit for 30s or time_to_limit < 10m
    not (kills > 0 in 10m) and growth > 5MiB/m

Every number needs its unit: "time_to_limit < 10" could be meant in seconds or
minutes, and what follows from it stops a service. A `for` after `not` holds
the negated condition: "not used > 1GiB for 30s" has been at or below for 30 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from forestall.model.action import VERBS, Deed
from forestall.model.condition import All, Comparison, Condition, Either, For, Not
from forestall.model.errors import Malformed
from forestall.parse.quantity import comparison, comparison_text, duration, duration_text
from forestall.parse.token import Tokens

DEPTH_MAX: Final = 32
"""Brackets within brackets."""

DEEDS_MAX: Final = 16
DEED_CHARACTERS_MAX: Final = 200


def parse(text: str) -> Condition:
    """The tree of `text`; every mistake is Malformed with its column and what would be right."""
    tokens = Tokens(text)
    condition = _either(tokens, 0)
    if (rest := tokens.peek()) is not None:
        raise tokens.mistake(f'"{rest.text}" does not belong here (expected: and, or, for, or the end)', rest)
    return condition


def unparse(condition: Condition) -> str:
    """Text that parses to `condition` again."""
    if isinstance(condition, Comparison):
        return comparison_text(condition)
    if isinstance(condition, Not):
        return f"not {_bracketed(condition.inner, (Comparison,))}"
    if isinstance(condition, For):
        inner = condition.inner
        # "not (x) for 5s" holds the negation, so a Not needs no brackets of its own here.
        return f"{_bracketed(inner, (Comparison, Not))} for {duration_text(condition.seconds)}"
    if isinstance(condition, All):
        return " and ".join(_bracketed(part, (Comparison, Not, For)) for part in condition.parts)
    return " or ".join(_bracketed(part, (Comparison, Not, For, All)) for part in condition.parts)


def deeds(words: Sequence[str]) -> tuple[Deed, ...]:
    """The deeds of a step's `do`; Malformed for none, too many, an unknown verb, or arguments it does not take."""
    if not words:
        raise Malformed("do", "nothing to do in it")
    if len(words) > DEEDS_MAX:
        raise Malformed("do", f"more than {DEEDS_MAX} deeds")
    return tuple(_deed(word) for word in words)


def _deed(word: str) -> Deed:
    if len(word) > DEED_CHARACTERS_MAX:
        raise Malformed("do", f"a deed is longer than {DEED_CHARACTERS_MAX} characters", word.encode(errors="replace"))
    verb, *arguments = word.split() or [""]
    if verb not in VERBS:
        raise Malformed("do", f"unknown verb {verb!r} (known: {', '.join(sorted(VERBS))})")
    if arguments and verb != "capture":
        raise Malformed("do", f"{verb!r} takes no arguments, {arguments[0]!r} was given")
    return Deed(verb, tuple(arguments))


def _either(tokens: Tokens, depth: int) -> Condition:
    """Read `cond = and {"or" and}`."""
    parts = [_all(tokens, depth)]
    while tokens.accept("or"):
        parts.append(_all(tokens, depth))
    return parts[0] if len(parts) == 1 else Either(tuple(parts))


def _all(tokens: Tokens, depth: int) -> Condition:
    """Read `and = unary {"and" unary}`."""
    parts = [_unary(tokens, depth)]
    while tokens.accept("and"):
        parts.append(_unary(tokens, depth))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _unary(tokens: Tokens, depth: int) -> Condition:
    """Read `unary = ["not"] prim ["for" DUR]`."""
    negated = tokens.accept("not")
    condition = _prim(tokens, depth)
    if negated:
        condition = Not(condition)
    return For(condition, duration(tokens)) if tokens.accept("for") else condition


def _prim(tokens: Tokens, depth: int) -> Condition:
    """Read `prim = "(" cond ")" | comparison`."""
    opening = tokens.peek()
    if not tokens.accept("("):
        return comparison(tokens)
    if depth == DEPTH_MAX:
        raise tokens.mistake(f"more than {DEPTH_MAX} brackets within brackets", opening)
    condition = _either(tokens, depth + 1)
    if not tokens.accept(")"):
        raise tokens.mistake('a bracket is not closed (expected: ")")', tokens.peek())
    return condition


def _bracketed(condition: Condition, plain: tuple[type, ...]) -> str:
    text = unparse(condition)
    return text if isinstance(condition, plain) else f"({text})"
