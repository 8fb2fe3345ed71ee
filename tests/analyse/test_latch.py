"""A latch: hold, raise, clear below, and unknown values."""

from __future__ import annotations

from forestall.analyse.latch import Latch


def fed(latch: Latch, now: float, value: float | None, hold_seconds: float = 0.0) -> bool:
    """Feed a latch at level 80 that clears below 76 for 10 s."""
    return latch.feed(value, now, raise_above=80.0, clear_below=76.0, hold_seconds=hold_seconds, clear_seconds=10.0)


def test_it_rises_at_once_without_a_hold() -> None:
    """Above the level is enough; on the level is not."""
    latch = Latch()
    assert not fed(latch, 1.0, 80.0)
    assert fed(latch, 2.0, 80.1)
    assert latch.since == 2.0


def test_it_holds_before_it_rises_and_a_dip_begins_anew() -> None:
    """Thirty seconds above the level without a break; `since` is when they began."""
    latch = Latch()
    assert not fed(latch, 0.0, 90.0, 30.0)
    assert not fed(latch, 29.0, 79.0, 30.0)
    assert not fed(latch, 30.0, 90.0, 30.0)
    assert not fed(latch, 59.0, 90.0, 30.0)
    assert fed(latch, 60.0, 90.0, 30.0)
    assert latch.since == 30.0


def test_it_does_not_flutter() -> None:
    """Between the clearing level and the level nothing changes, and a short dip does not clear."""
    latch = Latch()
    fed(latch, 0.0, 90.0)
    assert fed(latch, 1.0, 77.0)
    assert fed(latch, 2.0, 70.0)
    assert fed(latch, 8.0, 77.0)
    assert fed(latch, 9.0, 70.0)
    assert fed(latch, 18.9, 70.0)
    assert not fed(latch, 19.0, 70.0)
    assert not fed(latch, 20.0, 79.0)


def test_the_unknown_neither_raises_nor_keeps() -> None:
    """A value that cannot be read any more clears after a while."""
    latch = Latch()
    assert not fed(latch, 0.0, None)
    fed(latch, 1.0, 90.0)
    assert fed(latch, 2.0, None)
    assert not fed(latch, 12.0, None)
