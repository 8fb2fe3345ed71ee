"""Screens learn the time and how old a frame is."""

from __future__ import annotations

from forestall.model.frame import Moment
from forestall.query.freshness import between_seconds, moment


def test_durations_use_the_clock_that_counts_suspend() -> None:
    """Within a boot a step of the wall clock changes no age."""
    assert between_seconds(Moment(10.0, 500.0, "b"), Moment(12.5, 90_000.0, "b")) == 2.5


def test_another_boot_falls_back_to_the_wall_clock() -> None:
    """A frame of an earlier boot is as old as the wall clock says."""
    assert between_seconds(Moment(9000.0, 500.0, "a"), Moment(12.5, 530.0, "b")) == 30.0


def test_nothing_is_younger_than_now() -> None:
    """A frame from the future is simply new."""
    assert between_seconds(Moment(13.0, 0.0, "b"), Moment(12.0, 0.0, "b")) == 0.0


def test_the_moment_moves_on() -> None:
    """Two moments of this machine are of one boot and in order."""
    first, second = moment(), moment()
    assert first.boot_id == second.boot_id
    assert first.boottime_seconds <= second.boottime_seconds
