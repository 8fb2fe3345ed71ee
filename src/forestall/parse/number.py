"""Decimal numbers as kernel files print them: ASCII digits and nothing else.

Python's `int` also takes blanks, signs, underscores and other scripts' digits,
and refuses thousands of digits with an error of its own; a kernel prints none of them.
"""

from __future__ import annotations

from typing import Final

DIGITS_MAX: Final = 20
"""2**64 - 1, the largest number a kernel file holds, has twenty digits."""


def unsigned(raw: bytes) -> int | None:
    """The number that `raw` spells, or None when it is not one."""
    if len(raw) <= DIGITS_MAX and raw.isdigit():
        return int(raw)
    return None
