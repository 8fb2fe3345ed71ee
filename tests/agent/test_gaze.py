"""Where the guard looks and when, on real cgroups: those that come, go and come again, and wake-ups by the kernel."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from forestall.agent.gaze import Gaze
from tests.support.guards import Onlooker, onlooker, open_descriptors, policy
from tests.support.scratch import ScratchCgroup
from tests.support.worker import MIB, worker

pytestmark = pytest.mark.live


@pytest.fixture
def place(live: str) -> Iterator[ScratchCgroup]:
    """A cgroup that no policy means, in which a test makes those that one does."""
    group = ScratchCgroup(live, f"/forestall-test-{secrets.token_hex(6)}")
    yield group
    group.remove()


def below(place: ScratchCgroup) -> str:
    """The match of everything made in a place."""
    return f"cgroup:{place.path}/*"


def test_a_cgroup_made_later_is_seen_at_once_and_so_is_its_limit(place: ScratchCgroup) -> None:
    """It is watched within a second of being made, and a limit set half a second later is honoured within a second."""
    with onlooker(policy(below(place))) as one:
        one.during(0.2)
        group = place.child("late")
        assert one.until(lambda: one.watch(group.path), 1.0) < 1.0
        watch = one.watch(group.path)
        assert watch is not None
        one.until(lambda: watch.reading)
        one.during(0.5)
        assert watch.reading is not None
        assert watch.reading.own_limit_bytes is None
        group.limit(64 * MIB)
        one.until(lambda: watch.reading is not None and watch.reading.own_limit_bytes == 64 * MIB, 1.0)
        assert watch.reading.limit_own
        assert watch.thresholds is not None


def test_one_that_is_removed_is_dropped_with_its_descriptors(place: ScratchCgroup) -> None:
    """Its watch goes, its eventfd is closed, and as many descriptors are open as before it came."""
    with onlooker(policy(below(place))) as one:
        one.during(0.1)
        before = open_descriptors()
        group = place.child("short")
        group.limit(64 * MIB)
        one.until(lambda: (watch := one.watch(group.path)) and watch.covered)
        watch = one.watch(group.path)
        assert watch is not None
        assert watch.thresholds is not None
        thresholds = watch.thresholds
        assert open_descriptors() > before
        group.remove()
        one.until(lambda: one.watch(group.path) is None, 1.0)
        one.during(0.1)
        assert thresholds.fd < 0
        assert open_descriptors() == before


def test_one_made_again_under_its_name_is_another_target(place: ScratchCgroup) -> None:
    """Path and inode are the identity: the past of the first is not the second's."""
    with onlooker(policy(below(place))) as one:
        group = place.child("again")
        one.until(lambda: (watch := one.watch(group.path)) and watch.reading)
        (first,) = one.gaze.watches
        old = one.gaze.watches[first]
        group.remove()
        group.directory.mkdir()
        one.until(lambda: one.gaze.watches and first not in one.gaze.watches, 1.0)
        ((second, new),) = one.gaze.watches.items()
        assert second.rpartition("#")[0] == first.rpartition("#")[0] == group.path
        assert new is not old


def covered(one: Onlooker, group: ScratchCgroup) -> None:
    """Look on until the kernel's wake-ups cover the group and the clock has become slow."""
    one.until(lambda: (watch := one.watch(group.path)) and watch.covered and watch.interval_seconds >= 1.0, 8.0)


def test_a_threshold_crossed_makes_a_look_long_before_the_clock_would(
    scratch_cgroup: Callable[..., ScratchCgroup],
) -> None:
    """A covered target that is looked at once a second is looked at within 100 ms of a jump across a level."""
    group = scratch_cgroup(256 * MIB)
    with onlooker(policy(f"cgroup:{group.path}")) as one, worker(group) as eater:
        eater.hold(8 * MIB)
        covered(one, group)
        watch = one.watch(group.path)
        assert watch is not None
        seen = one.looks[group.path]
        one.until(lambda: one.looks[group.path] > seen)
        eater.hold(64 * MIB)
        due_in = watch.due - one.gaze.sources.clock.now().boottime_seconds
        assert due_in > 0.3, "the clock alone would have been as fast"
        took = one.until(lambda: watch.reading is not None and watch.reading.used_bytes > 64 * MIB)
        assert took < 0.1


def test_page_cache_that_floods_the_thresholds_costs_ten_looks_a_second(
    scratch_cgroup: Callable[..., ScratchCgroup], tmp_path: Path
) -> None:
    """A program that reads on crosses a level hundreds of times a second; far from the limit that is no haste."""
    group = scratch_cgroup(512 * MIB)
    file = tmp_path / "sparse"
    file.touch()
    flood = (
        f"f = os.open({str(file)!r}, os.O_RDWR); os.truncate(f, {8 * MIB}); page = bytearray({8 * MIB})\n"
        "until = time.monotonic() + 3.0\n"
        "while time.monotonic() < until:\n"
        "    os.preadv(f, [page], 0); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)"
    )
    with onlooker(policy(f"cgroup:{group.path}")) as one, worker(group) as reader:
        # With the page that is read into, 20 MiB: the file's pages go back and forth over the level at 25.6 MiB.
        reader.hold(12 * MIB - group.used_bytes())
        covered(one, group)
        looks, wakes = one.looks[group.path], one.wakes
        reader.begin(f"exec({flood!r})")
        one.during(2.0)
        assert one.wakes - wakes > 100, "no flood"
        assert one.looks[group.path] - looks <= 2 * 10 + 3


def test_the_host_has_its_own_clock() -> None:
    """With a policy for the host alone it is looked at by its own distance, without targets and without spinning."""
    host = policy("host", "headroom < 1MiB")
    with onlooker(host=host) as one:
        one.turn()
        assert one.frames == 1
        due_in = one.gaze.due() - one.gaze.moment.boottime_seconds
        assert 0.5 < due_in <= 10.0
        near = policy("host", f"headroom < {one.gaze.host.headroom_bytes - 64 * MIB}B")
    with onlooker(host=near) as two:
        two.during(1.0)
        assert 5 <= two.frames <= 51


def test_nothing_to_watch_is_never_due(live: str) -> None:
    """Without a policy the gaze sleeps for as long as its caller likes."""
    with onlooker() as one:
        assert one.gaze.look() is None
        assert one.gaze.due() == float("inf")
        assert one.gaze.fds == set()


def test_two_hundred_that_come_and_go_leave_nothing(place: ScratchCgroup) -> None:
    """Descriptors do not grow however many cgroups are made, limited, watched and removed."""
    with onlooker(policy(below(place))) as one:
        one.during(0.1)
        before = open_descriptors()
        for number in range(200):
            group = place.child(f"round-{number}")
            group.limit(32 * MIB)
            one.until(partial(seen, one, group.path))
            group.directory.rmdir()
            one.until(lambda: one.gaze.watches == {})
        one.until(lambda: open_descriptors() == before, 3.0)
        assert waiting(one.gaze) <= 1


def seen(one: Onlooker, path: str) -> bool:
    """Whether a cgroup has been read."""
    watch = one.watch(path)
    return watch is not None and watch.reading is not None


def waiting(gaze: Gaze) -> int:
    """How many thresholds still wait for a child."""
    return len(gaze._covering._waiting)


def test_who_is_acted_upon_is_looked_at_most_often(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A calm target becomes due within 20 ms while an action on it runs."""
    group = scratch_cgroup(256 * MIB)
    with onlooker(policy(f"cgroup:{group.path}")) as one:
        covered(one, group)
        watch = one.watch(group.path)
        assert watch is not None
        assert watch.reading is not None
        time.sleep(max(0.0, watch.due - one.gaze.sources.clock.now().boottime_seconds))
        frame = one.gaze.look()
        assert frame is not None
        one.gaze.plan(frame, {watch.reading.target.identity})
        assert watch.due - one.gaze.moment.boottime_seconds == pytest.approx(0.02)


def test_reading_again_tells_of_the_end(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """What is read again before an act is the world as it is: new numbers, or that the target is gone."""
    group = scratch_cgroup(256 * MIB)
    with onlooker(policy(f"cgroup:{group.path}")) as one:
        one.until(lambda: (watch := one.watch(group.path)) and watch.reading)
        watch = one.watch(group.path)
        assert watch is not None
        with worker(group) as eater:
            eater.hold(32 * MIB)
            assert one.gaze.read_again(watch)
            assert watch.reading is not None
            assert watch.reading.used_bytes > 32 * MIB
        group.remove()
        assert not one.gaze.read_again(watch)
        group.directory.mkdir()
        assert not one.gaze.read_again(watch), "another instance is not the target"
