"""Counting events out of counters that may begin anew."""

from __future__ import annotations

from forestall.engine.tally import EVENTS_MAX, Tally


def test_the_first_value_of_a_counter_is_no_event() -> None:
    """What happened before we looked is not news."""
    tally = Tally()
    assert tally.read(7, 10.0) == 0
    assert tally.within(300.0, 10.0) == 0
    assert tally.newest is None


def test_a_rise_counts_by_its_size() -> None:
    """From 7 to 9 are two events, at the time they were seen."""
    tally = Tally()
    tally.read(7, 10.0)
    assert tally.read(9, 20.0) == 2
    assert (tally.within(300.0, 20.0), tally.newest) == (2, 20.0)


def test_a_counter_that_begins_at_nought_again_loses_nothing() -> None:
    """A re-created cgroup counts from nought: 3 after 9 are three events."""
    tally = Tally()
    tally.read(9, 10.0)
    assert tally.read(3, 20.0) == 3


def test_the_unknown_is_no_nought() -> None:
    """A counter that cannot be read for a while goes on from where it was."""
    tally = Tally()
    tally.read(5, 10.0)
    assert tally.read(None, 20.0) == 0
    assert tally.read(6, 30.0) == 1


def test_only_the_window_counts() -> None:
    """Events older than the window are not counted."""
    tally = Tally()
    for second in range(10):
        tally.add(1, float(second * 60))
    assert tally.within(300.0, 540.0) == 6
    assert tally.within(60.0, 540.0) == 2


def test_a_storm_is_bounded_and_its_count_exact() -> None:
    """A thousand kills in a minute take no more room than 128, and are still a thousand."""
    tally = Tally()
    for number in range(1000):
        tally.add(1, number * 0.05)
    assert len(tally.times) == EVENTS_MAX
    assert tally.within(300.0, 50.0) == 1000
