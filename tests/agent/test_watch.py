"""One target between looks: its rate, when it is looked at next, and which wake-ups cover it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forestall.agent.watch import ACTING_LOOK_SECONDS, REST_SECONDS_MAX, REST_SECONDS_MIN, Watch
from forestall.model.policy import Policy, Step
from forestall.parse import condition
from forestall.system.cgroupfs import Cgroupfs
from tests.support.frames import MIB, reading
from tests.support.limits import open_files
from tests.support.scratch import ScratchCgroup

WHEN = "used > 92% of limit"
POLICY = Policy("unit:*", (Step(condition.parse(WHEN), condition.deeds(["terminate"]), WHEN),))


def watched(*seen: tuple[float, float], **fields: Any) -> Watch:
    """A watch that has seen so many MiB of 512 at these times."""
    watch = Watch(None, POLICY, 0.0)  # type: ignore[arg-type]
    for at, used in seen:
        watch.see(reading("api.service", used_bytes=int(used * MIB), **fields), at)
    return watch


@pytest.mark.parametrize(
    ("seen", "rate", "burst"),
    [
        ((), 0, 0),
        (((0.0, 10.0),), 0, 0),
        (((0.0, 10.0), (0.1, 20.0)), 100, 100),
        (((0.0, 10.0), (0.1, 5.0)), 0, 0),
        (((0.0, 10.0), (0.1, 10.0), (0.2, 20.0)), 50, 100),
        (((0.0, 10.0), (0.001, 20.0)), 0, 0),
        (((0.0, 500.0), (10.0, 10.0), (10.1, 20.0), (10.3, 40.0)), 100, 100),
    ],
)
def test_the_rate_is_that_of_the_last_quarter_second(
    seen: tuple[tuple[float, float], ...], rate: float, burst: float
) -> None:
    """MiB/s over what was seen lately; falling is 0, two looks too close tell nothing; a burst is the last two."""
    watch = watched(*seen)
    assert watch.rate_bytes_per_second / MIB == pytest.approx(rate)
    assert watch.burst_bytes_per_second / MIB == pytest.approx(burst)


def test_the_next_look_comes_sooner_the_nearer_and_the_faster() -> None:
    """Far and calm is later than near, near and fast is 20 ms, and acting is never later than that."""
    intervals = []
    for watch in (watched((0.0, 50.0)), watched((0.0, 400.0)), watched((0.0, 440.0), (0.2, 469.0))):
        watch.plan(1.0, acting=False)
        intervals.append(watch.interval_seconds)
        assert watch.due == 1.0 + watch.interval_seconds
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[-1] == 0.02
    calm = watched((0.0, 50.0))
    calm.plan(1.0, acting=True)
    assert calm.interval_seconds == ACTING_LOOK_SECONDS


def test_one_that_was_never_seen_is_looked_at_in_a_second() -> None:
    """Nothing known: soon again."""
    watch = watched()
    watch.plan(5.0, acting=False)
    assert watch.due == 6.0


def test_the_rest_between_looks_depends_on_the_distance() -> None:
    """A flood of wake-ups far from a level costs a look every 100 ms at most, near it one every 2 ms."""
    assert watched().rest_seconds == 0.0
    assert watched((0.0, 470.9)).rest_seconds == REST_SECONDS_MIN
    far = watched((0.0, 10.0), limit_bytes=64 * 1024 * MIB).rest_seconds
    assert far == REST_SECONDS_MAX


def test_another_instance_has_no_past() -> None:
    """After it was begun again no rate reaches over the restart."""
    watch = watched((0.0, 500.0), (0.1, 510.0))
    watch.begin_again()
    assert watch.rate_bytes_per_second == 0.0
    assert watch.seen_at == float("-inf")
    watch.see(reading("api.service"), 5.0)
    assert watch.seen_at == 5.0


def test_version_2_has_no_thresholds(tmp_path: Path) -> None:
    """There the clock alone decides."""
    assert watched((0.0, 10.0), own_limit_bytes=MIB).thresholds_wanted(Cgroupfs(str(tmp_path), 2), "/a") is None


@pytest.mark.live
def test_thresholds_follow_the_limit(live: str, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Wanted once per limit, anew when it changes, never without one; closed with the watch."""
    group = scratch_cgroup(64 * MIB)
    cgroupfs = Cgroupfs(live, 1)
    watch = watched((0.0, 1.0), own_limit_bytes=64 * MIB)
    first = watch.thresholds_wanted(cgroupfs, group.path)
    assert first is not None
    assert first is watch.thresholds
    assert watch.thresholds_wanted(cgroupfs, group.path) is None
    watch.see(reading("api.service", own_limit_bytes=32 * MIB), 1.0)
    second = watch.thresholds_wanted(cgroupfs, group.path)
    assert second is not None
    assert second is not first
    assert first.fd < 0
    watch.close()
    assert second.fd < 0
    assert not watch.covered
    assert watched((0.0, 1.0), own_limit_bytes=None).thresholds_wanted(cgroupfs, group.path) is None


def test_without_descriptors_it_is_looked_at_by_the_clock(tmp_path: Path) -> None:
    """No wake-ups can be had: none are wanted, nothing is covered, and the guard goes on."""
    watch = watched((0.0, 10 * MIB), own_limit_bytes=64 * MIB)
    with open_files(3):
        assert watch.thresholds_wanted(Cgroupfs(str(tmp_path), 1), "/a") is None
    assert not watch.covered
    watch.close()
