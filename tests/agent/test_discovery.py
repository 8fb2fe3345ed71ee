"""Discovery on the real hierarchy: watches come and go with the cgroups that policies mean."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator

import pytest

from forestall.agent.discovery import WALK_SECONDS, Discovery
from forestall.agent.sweep import find_cgroups
from forestall.agent.watch import Watch
from forestall.analyse.headroom import host_level
from forestall.model.policy import Policy, Step
from forestall.parse import condition
from forestall.system.procfs import Procfs
from tests.support.frames import HOST
from tests.support.scratch import ScratchCgroup

pytestmark = pytest.mark.live

WHEN = "used > 92% of limit"
STEPS = (Step(condition.parse(WHEN), condition.deeds(["notify"]), WHEN),)


class Field:
    """A discovery with the watches that it keeps."""

    def __init__(self, *policies: Policy) -> None:
        cgroups = find_cgroups(Procfs())
        assert cgroups is not None
        self.discovery = Discovery(cgroups, Procfs(), policies)
        self._cgroups = cgroups
        self.watches: dict[str, Watch] = {}

    def refresh(self, now: float) -> set[str]:
        """The paths that are watched after a refresh."""
        self._cgroups.begin(host_level(HOST))
        self.discovery.refresh(self.watches, now)
        return {identity.rpartition("#")[0] for identity in self.watches}

    def woken(self, seconds: float = 2.0) -> bool:
        """Whether the kernel tells of a change; taken note of then."""
        assert self.discovery.fd is not None
        poller = select.poll()
        poller.register(self.discovery.fd, select.POLLIN)
        ready = bool(poller.poll(seconds * 1000))
        if ready:
            self.discovery.changed()
        return ready


@pytest.fixture
def fields() -> Iterator[Callable[..., Field]]:
    """Makes fields, closed after the test."""
    made: list[Field] = []

    def make(*policies: Policy) -> Field:
        made.append(Field(*policies))
        return made[-1]

    yield make
    for one in made:
        one.discovery.close()


def test_a_new_cgroup_is_found_without_waiting_for_the_clock(
    fields: Callable[..., Field], scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """The kernel wakes us when one is made, it is watched then, and dropped when it is removed."""
    first = scratch_cgroup()
    field = fields(Policy(f"cgroup:{first.path}/*", STEPS))
    assert field.refresh(100.0) == set()
    below = first.child("one [1]")
    assert field.woken()
    assert field.refresh(101.0) == {below.path}
    assert field.refresh(102.0) == {below.path}
    below.remove()
    assert field.woken()
    assert field.refresh(103.0) == set()


def test_one_made_again_under_its_name_is_another(
    fields: Callable[..., Field], scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """The inode is part of the identity."""
    group = scratch_cgroup()
    field = fields(Policy(f"cgroup:{group.path}", STEPS))
    field.refresh(100.0)
    (before,) = field.watches
    group.remove()
    group.directory.mkdir()
    assert field.woken()
    field.refresh(101.0)
    (after,) = field.watches
    assert before != after


def test_only_policies_with_steps_are_watched(
    fields: Callable[..., Field], scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """A policy that does nothing needs no watch; the more literal policy is the target's."""
    group, quiet = scratch_cgroup(), scratch_cgroup()
    wide = Policy(f"cgroup:{group.path[:-1]}*", STEPS, grace_seconds=1.0)
    exact = Policy(f"cgroup:{group.path}", STEPS, grace_seconds=2.0)
    field = fields(exact, wide, Policy(f"cgroup:{quiet.path}"))
    assert field.refresh(100.0) == {group.path}
    (watch,) = field.watches.values()
    assert watch.policy == exact


def test_a_runs_cgroup_is_left_to_its_own_guard(fields: Callable[..., Field], live: str) -> None:
    """What `forestall run` made is never watched by an agent, whatever a policy says."""
    group = ScratchCgroup(live, "/forestall-run-test-discovery-1")
    try:
        field = fields(Policy("cgroup:/forestall-run-test-discovery*", STEPS))
        assert field.refresh(100.0) == set()
    finally:
        group.remove()


def test_it_walks_by_the_clock_too(fields: Callable[..., Field]) -> None:
    """Once a minute in case an event was lost; not at all when only the host has a policy."""
    field = fields(Policy("cgroup:/nowhere", STEPS))
    field.refresh(100.0)
    assert field.discovery.due() == 100.0 + WALK_SECONDS
    host = fields(Policy("host", STEPS))
    assert (host.discovery.due(), host.discovery.fd) == (None, None)
    assert host.refresh(100.0) == set()
