"""Wake-ups of the real kernel when a cgroup's usage crosses a level."""

from __future__ import annotations

import select
from collections.abc import Callable

import pytest

from forestall.model.errors import Absent, Malformed
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.thresholds import LEVELS_MAX, UsageThresholds
from tests.support.limits import open_files
from tests.support.scratch import ScratchCgroup
from tests.support.worker import MIB, Worker, worker


def fired(thresholds: UsageThresholds, seconds: float = 0.0) -> bool:
    """Whether it has fired, or does within so many seconds; takes the event."""
    poller = select.poll()
    poller.register(thresholds.fd, select.POLLIN)
    ready = bool(poller.poll(seconds * 1000))
    thresholds.clear()
    return ready


def grow_until_fired(thresholds: UsageThresholds, one: Worker, step_bytes: int, steps: int) -> None:
    """Take memory in small steps until the kernel wakes us."""
    for _ in range(steps):
        if fired(thresholds):
            return
        one.hold(step_bytes)
    pytest.fail("it never fired")


@pytest.mark.live
def test_it_fires_within_a_mebibyte_of_the_level(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Growing in steps of 128 KiB, the wake-up comes when the level has been passed by not much more than 1 MiB."""
    group = scratch_cgroup(256 * MIB)
    level = 64 * MIB
    thresholds = UsageThresholds(Cgroupfs(group.mount, 1), group.path, [level, 128 * MIB])
    thresholds.register()
    thresholds.clear()
    with worker(group) as one:
        one.hold(level - 4 * MIB - group.used_bytes())
        assert not fired(thresholds)
        grow_until_fired(thresholds, one, MIB // 8, 64)
        assert abs(group.used_bytes() - level) < 3 * MIB // 2
        thresholds.clear()
        one.do("held.clear()")
        assert fired(thresholds, 5), "going back below the level wakes too"
    thresholds.close()
    thresholds.close()


@pytest.mark.live
def test_nothing_fires_after_the_levels_are_taken_back(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Closing takes the levels out of the kernel: the cgroup can be grown and removed without a trace."""
    group = scratch_cgroup(64 * MIB)
    thresholds = UsageThresholds(Cgroupfs(group.mount, 1), group.path, [8 * MIB])
    thresholds.register()
    thresholds.close()
    assert thresholds.fd == -1
    with worker(group) as one:
        one.hold(16 * MIB)
    group.remove()
    assert not group.directory.exists()


@pytest.mark.live
def test_what_cannot_be_registered_is_said(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """An eventfd that is closed already is Malformed, a cgroup that is gone Absent."""
    group = scratch_cgroup()
    wrong = UsageThresholds(Cgroupfs(group.mount, 1), group.path, [MIB])
    wrong.close()
    with pytest.raises(Malformed):
        wrong.register()
    late = UsageThresholds(Cgroupfs(group.mount, 1), group.path, [MIB])
    group.directory.rmdir()
    with pytest.raises(Absent):
        late.register()
    late.close()


def test_of_too_many_levels_the_highest_are_kept() -> None:
    """The levels near the limit are those that matter, and each is kept once."""
    thresholds = UsageThresholds(Cgroupfs("/nowhere", 1), "/x", [*range(100), 99])
    assert thresholds.levels_bytes == tuple(range(99, 99 - LEVELS_MAX, -1))
    thresholds.close()


@pytest.mark.parametrize("count", [3, 40])
def test_the_last_descriptors_are_not_for_wake_ups(count: int) -> None:
    """None left, or only those that hands need: it is told as an error of ours."""
    with open_files(count), pytest.raises(Malformed, match="wake-ups of /a"):
        UsageThresholds(Cgroupfs("/nowhere", 1), "/a", (1,))
