"""One actor per target, whoever it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from forestall.model.errors import Absent
from forestall.system.lock import lock_target
from tests.support.scratch import ScratchCgroup
from tests.support.worker import in_child


def nobody_else_gets(directory: str) -> None:
    """Assert from another process that the target is taken."""

    def attempt() -> None:
        assert lock_target(directory) is None

    in_child(attempt)


@pytest.mark.live
def test_a_cgroup_has_one_actor_at_a_time(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A second one is refused, here and from another process, until the first gives the right back."""
    directory = str(scratch_cgroup().directory)
    held = lock_target(directory)
    assert held is not None
    assert lock_target(directory) is None
    nobody_else_gets(directory)
    held.close()
    held.close()
    again = lock_target(directory)
    assert again is not None
    again.close()


@pytest.mark.live
def test_the_right_goes_with_its_holder_and_its_cgroup(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A holder that ends gives it back; a cgroup made again is another target; a lock does not keep a cgroup alive."""
    group = scratch_cgroup()
    in_child(lambda: lock_target(str(group.directory)))
    held = lock_target(str(group.directory))
    assert held is not None
    group.directory.rmdir()
    with pytest.raises(Absent):
        lock_target(str(group.directory))
    group.directory.mkdir()
    other = lock_target(str(group.directory))
    assert other is not None
    held.close()
    other.close()


def test_a_process_is_locked_by_its_directory() -> None:
    """The lock of a process tree lies on the root's directory in /proc."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        directory = f"/proc/{sleeper.pid}"
        held = lock_target(directory)
        assert held is not None
        nobody_else_gets(directory)
        held.close()
        sleeper.kill()
    assert not os.path.exists(directory)
    with pytest.raises(Absent):
        lock_target(directory)
