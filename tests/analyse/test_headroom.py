"""How much may still be taken: limit minus unreclaimable use, plus the swap that is allowed, at the tightest level."""

from __future__ import annotations

import pytest

from forestall.analyse.headroom import cgroup_level, deciding, host_level
from forestall.model.level import HOST_LEVEL, Level
from tests.support.frames import GIB, HOST, MIB


def test_the_hosts_headroom_is_available_plus_free_swap() -> None:
    """Used is the rest of memory and swap together."""
    level = host_level(HOST)
    assert level.path == HOST_LEVEL
    assert level.headroom_bytes == HOST.available_bytes + HOST.swap_free_bytes
    assert level.limit_bytes == HOST.total_bytes + HOST.swap_total_bytes
    assert level.used_bytes + level.headroom_bytes == level.limit_bytes
    assert level.swap_headroom_bytes == HOST.swap_free_bytes


def test_a_host_that_reports_more_available_than_it_has_uses_nothing() -> None:
    """Odd figures never become negative use."""
    assert host_level(HOST._replace(available_bytes=100 * GIB)).used_bytes == 0


def test_a_cgroup_without_a_limit_is_no_level() -> None:
    """What limits nothing cannot decide."""
    assert cgroup_level("/a", 10, 0, None, 0, 0) is None


@pytest.mark.parametrize(
    ("usage", "reclaimable", "swapped", "allowed", "headroom", "swap_part"),
    [
        (80, 0, 0, 0, 20, 0),
        (100, 60, 0, 0, 60, 0),
        (80, 0, 0, 50, 70, 50),
        (100, 0, 30, 20, 20, 20),
        (60, 0, 30, -10, 30, 0),
        (120, 0, 0, 0, 0, 0),
        (10, 50, 0, 0, 100, 0),
        (95, 0, 0, -40, 0, 0),
    ],
)
def test_headroom_of_a_cgroup(
    usage: int, reclaimable: int, swapped: int, allowed: int, headroom: int, swap_part: int
) -> None:
    """Limit 100: reclaimable pages and allowed swap are room, a tighter joint limit takes room, never below zero."""
    level = cgroup_level("/a", usage, reclaimable, 100, swapped, allowed)
    assert level is not None
    assert (level.headroom_bytes, level.swap_headroom_bytes) == (headroom, swap_part)
    assert level.used_bytes == max(0, usage - reclaimable) + swapped


def test_the_tightest_level_decides_and_of_equals_the_nearest() -> None:
    """Levels come nearest first."""
    own = Level("/a/b", 100, 50, 50, 0)
    parent = Level("/a", 200, 190, 10 * MIB, 0)
    host = Level(HOST_LEVEL, 1000, 950, 50, 0)
    assert deciding([own, parent._replace(headroom_bytes=10), host]).path == "/a"
    assert deciding([own, parent, host]).path == "/a/b"
    assert deciding([host]).path == HOST_LEVEL


def test_no_level_at_all_is_our_mistake() -> None:
    """The host is always a level."""
    with pytest.raises(AssertionError):
        deciding([])
