"""Directories that come and go wake, on the real cgroup file system."""

from __future__ import annotations

import select
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.system.inotify import DirectoryEvents
from tests.support.scratch import ScratchCgroup


def readable(events: DirectoryEvents) -> bool:
    """Whether the descriptor would wake a poll."""
    poller = select.poll()
    poller.register(events.fd, select.POLLIN)
    return bool(poller.poll(200))


@pytest.mark.live
def test_a_cgroup_that_comes_or_goes_wakes(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Making one wakes, removing it wakes, and in between all is quiet."""
    group = scratch_cgroup()
    events = DirectoryEvents()
    events.watch({str(group.directory)})
    assert not events.clear()
    child = group.child("a")
    assert readable(events)
    assert events.clear()
    assert not events.clear()
    child.directory.rmdir()
    assert readable(events)
    events.close()


@pytest.mark.live
def test_a_directory_made_again_is_watched_again(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A watch dies with its directory; the next one of that name gets a watch of its own."""
    group = scratch_cgroup()
    service = group.child("service")
    watched = {str(group.directory), str(service.directory)}
    events = DirectoryEvents()
    events.watch(watched)
    service.directory.rmdir()
    service.directory.mkdir()
    while events.clear():
        pass
    events.watch(watched)
    (service.directory / "below").mkdir()
    assert readable(events)
    events.close()


def test_only_what_is_asked_for_is_watched(tmp_path: Path) -> None:
    """A directory left out is quiet from then on; one that is gone is passed over."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    events = DirectoryEvents()
    events.watch({str(tmp_path / "a"), str(tmp_path / "none")})
    events.watch({str(tmp_path / "b")})
    while events.clear():
        pass
    (tmp_path / "a" / "x").mkdir()
    assert not events.clear()
    (tmp_path / "b" / "x").mkdir()
    assert events.clear()
    events.close()
