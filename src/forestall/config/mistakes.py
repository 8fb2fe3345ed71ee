"""What is wrong in a configuration: the file, the line, and words that help to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Place(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int


class Mistake(NamedTuple):
    """One thing that is wrong, and where."""

    place: Place
    words: str

    def __str__(self) -> str:
        return f"{self.place.file}:{self.place.line}: {self.words}"


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """`unknown key "intervall" (did you mean "interval"? known: interval, interval_at_risk)`."""
    from difflib import get_close_matches  # only a mistake pays for it

    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    return f'unknown {what} "{word}" ({hint}known: {", ".join(names) or "none"})'
