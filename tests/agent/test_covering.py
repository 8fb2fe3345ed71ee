"""Kernel wake-ups set up by a child on real cgroups: the guard asks, goes on, and is told when they are there."""

from __future__ import annotations

import os
import secrets
import select
import signal
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from forestall.agent.covering import BATCH_MAX, Covering
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.thresholds import UsageThresholds
from tests.support.guards import onlooker, open_descriptors, policy
from tests.support.processes import descendants, gone, state, wait_until
from tests.support.scratch import ScratchCgroup
from tests.support.worker import MIB, worker

pytestmark = pytest.mark.live

LEVELS = tuple(number * MIB for number in range(11, 33))
"""As many as a policy of three levels has: every twentieth of the limit and its own."""
ASKING_SECONDS_MAX = 0.05


@pytest.fixture
def place(live: str) -> Iterator[ScratchCgroup]:
    """A cgroup to make others in."""
    group = ScratchCgroup(live, f"/forestall-test-{secrets.token_hex(6)}")
    yield group
    group.remove()


@pytest.fixture
def covering() -> Iterator[Covering]:
    """A covering whose child is ended after the test."""
    one = Covering()
    yield one
    one.close()


def thresholds(group: ScratchCgroup) -> UsageThresholds:
    """Thresholds of 22 levels, not registered yet."""
    return UsageThresholds(Cgroupfs(group.mount, 1), group.path, LEVELS)


def child_of(covering: Covering) -> int:
    """The pid of the child at work."""
    assert covering._child is not None
    return covering._child.pid


def finished(covering: Covering, count: int, seconds: float = 30.0) -> list[UsageThresholds]:
    """Poll as the guard does until so many are registered; no single call may take long."""
    done: list[UsageThresholds] = []
    until = time.monotonic() + seconds
    while len(done) < count:
        assert covering.fd is not None, "no child works, but not all are registered"
        assert time.monotonic() < until, f"only {len(done)} were registered in time"
        poller = select.poll()
        poller.register(covering.fd, select.POLLIN)
        poller.poll(1000)
        began = time.monotonic()
        done += covering.finished()
        assert time.monotonic() - began < ASKING_SECONDS_MAX
    return done


def fires(one: UsageThresholds) -> bool:
    """Whether the kernel has woken us; takes the event."""
    poller = select.poll()
    poller.register(one.fd, select.POLLIN)
    ready = bool(poller.poll(0))
    one.clear()
    return ready


def test_asking_never_waits_however_much_there_is_to_register(covering: Covering, place: ScratchCgroup) -> None:
    """Twenty targets of 22 levels take the kernel a second and more; each call here is back within 50 ms."""
    asked = [thresholds(place.child(f"t{number}")) for number in range(20)]
    times = [time.monotonic()]
    for one in asked:
        covering.ask(one)
        times.append(time.monotonic())
    assert max(after - before for before, after in pairwise(times)) < ASKING_SECONDS_MAX
    assert set(finished(covering, 20)) == set(asked)
    assert time.monotonic() - times[0] > ASKING_SECONDS_MAX, "there was nothing to wait for"
    for one in asked:
        one.close()


def test_what_the_child_registered_wakes_us(covering: Covering, place: ScratchCgroup) -> None:
    """The child's end takes nothing back: the kernel wakes whoever still has the eventfd."""
    group = place.child("one")
    one = thresholds(group)
    covering.ask(one)
    pid = child_of(covering)
    assert finished(covering, 1) == [one]
    wait_until(lambda: covering.finished() == [] and covering.fd is None)
    assert gone(pid)
    one.clear()
    with worker(group) as eater:
        eater.hold(20 * MIB)
        assert fires(one)
    one.close()


def test_until_the_child_says_so_a_target_is_not_covered(place: ScratchCgroup) -> None:
    """With the child stopped it is looked at by the clock; when it goes on the target becomes covered."""
    group = place.child("one")
    group.limit(64 * MIB)
    with onlooker(policy(f"cgroup:{group.path}")) as one:
        one.until(lambda: (watch := one.watch(group.path)) and watch.thresholds)
        watch = one.watch(group.path)
        assert watch is not None
        pid = child_of(one.gaze._covering)
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: state(pid) in ("T", ""))
        looks = one.looks[group.path]
        one.during(1.0)
        assert not watch.covered
        assert watch.interval_seconds < 1.0
        assert one.looks[group.path] - looks >= 2
        os.kill(pid, signal.SIGCONT)
        one.until(lambda: watch.covered)


def test_a_child_that_dies_leaves_its_targets_uncovered_and_the_next_begins(
    covering: Covering, place: ScratchCgroup
) -> None:
    """Killed in its work it tells no more; those that waited behind it are registered by another child."""
    first, second = thresholds(place.child("one")), thresholds(place.child("two"))
    covering.ask(first)
    killed = child_of(covering)
    os.kill(killed, signal.SIGSTOP)
    covering.ask(second)
    assert child_of(covering) == killed
    os.kill(killed, signal.SIGKILL)
    done = finished(covering, 1)
    assert done == [second]
    assert gone(killed)
    first.close()
    second.close()


def test_one_that_cannot_be_registered_is_not_told_as_done(covering: Covering, place: ScratchCgroup) -> None:
    """A cgroup that has gone meanwhile is passed over; the others of its batch are not."""
    groups = [place.child(name) for name in ("zero", "lost", "two")]
    asked = [thresholds(group) for group in groups]
    groups[1].remove()
    for one in asked:
        covering.ask(one)
    assert set(finished(covering, 2)) == {asked[0], asked[2]}
    wait_until(lambda: covering.finished() == [] and covering.fd is None)
    for one in asked:
        one.close()


def test_those_taken_back_while_they_waited_are_forgotten(covering: Covering, place: ScratchCgroup) -> None:
    """However many were closed before their turn, the one behind them gets its own."""
    first = thresholds(place.child("first"))
    covering.ask(first)
    group = place.child("last")
    for _ in range(BATCH_MAX + 1):
        gone_again = thresholds(group)
        covering.ask(gone_again)
        gone_again.close()
    last = thresholds(group)
    covering.ask(last)
    assert set(finished(covering, 2)) == {first, last}
    first.close()
    last.close()


def test_one_child_gets_no_more_than_a_batch(covering: Covering, live: str) -> None:
    """However many wait: a child that dies costs no more than a batch, and the rest has its turn."""
    asked = [UsageThresholds(Cgroupfs(live, 1), f"/nowhere-{number}", LEVELS) for number in range(BATCH_MAX + 2)]
    for one in asked:
        covering.ask(one)
    batches: list[int] = []

    def over() -> bool:
        if covering._working and (not batches or batches[-1] != len(covering._working)):
            batches.append(len(covering._working))
        return covering.finished() == [] and covering.fd is None

    wait_until(over)
    assert batches == [1, BATCH_MAX, 1]
    for one in asked:
        one.close()


def test_one_taken_back_while_it_is_registered_is_not_told(covering: Covering, place: ScratchCgroup) -> None:
    """The guard has closed it: it covers nothing, whatever the child says of it."""
    one = thresholds(place.child("one"))
    covering.ask(one)
    one.close()
    wait_until(lambda: covering.finished() == [] and covering.fd is None)


def test_closing_leaves_neither_child_nor_descriptor(place: ScratchCgroup) -> None:
    """Ended in the middle of its work, within the tenth of a second that ending a child may take."""
    before, family = open_descriptors(), descendants(os.getpid())
    covering = Covering()
    asked = [thresholds(place.child(f"t{number}")) for number in range(8)]
    for one in asked:
        covering.ask(one)
    began = time.monotonic()
    covering.close()
    assert time.monotonic() - began < 0.2
    assert covering.fd is None
    assert covering.finished() == []
    for one in asked:
        one.close()
    assert open_descriptors() == before
    assert descendants(os.getpid()) == family
