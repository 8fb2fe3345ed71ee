"""Mistakes in words."""

from __future__ import annotations

from forestall.config.mistakes import Mistake, Place, unknown


def test_a_mistake_reads_like_a_compilers() -> None:
    """File, line and words, so that editors can jump there."""
    assert str(Mistake(Place("a.toml", 3), "unknown key")) == "a.toml:3: unknown key"


def test_the_nearest_known_word_is_suggested() -> None:
    """And all known ones are named."""
    assert unknown("key", "intervall", ("interval", "at_risk")) == (
        'unknown key "intervall" (did you mean "interval"? known: at_risk, interval)'
    )
    assert unknown("key", "zzz", ("interval",)) == 'unknown key "zzz" (known: interval)'
    assert unknown("key", "x", ()) == 'unknown key "x" (known: none)'
