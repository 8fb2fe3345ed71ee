"""The cgroup that live tests work in goes with all that runs in it, so that no test leaves anything on the host."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.support.scratch import ScratchCgroup

MIB = 1024 * 1024


def inside(group: ScratchCgroup, *command: str) -> subprocess.Popen[bytes]:
    """Start a command that is in the group before its first instruction."""
    enter = 'echo 0 >"$0/cgroup.procs" && exec "$@"'
    started = subprocess.Popen(["/bin/sh", "-c", enter, str(group.directory), *command])
    until = time.monotonic() + 5
    while started.pid not in group.pids() and started.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    return started


@pytest.mark.live
def test_a_scratch_cgroup_has_its_limit_and_goes_with_its_processes(
    scratch_cgroup: Callable[..., ScratchCgroup],
) -> None:
    """It holds its limit, and its removal ends processes in it and in groups below it."""
    group = scratch_cgroup(64 * MIB)
    below = group.child("below")
    sleepers = [inside(group, "sleep", "60"), inside(below, "sleep", "60")]
    assert int(group.read("memory.limit_in_bytes")) == 64 * MIB
    assert [group.pids(), below.pids()] == [[sleeper.pid] for sleeper in sleepers]
    group.remove()
    assert [sleeper.wait(5) for sleeper in sleepers] == [-9, -9]
    assert not os.path.exists(group.directory)


@pytest.mark.live
def test_the_kernels_kills_are_counted(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A process that takes more than the limit is killed by the kernel, and the group says so."""
    group = scratch_cgroup(16 * MIB)
    assert group.kernel_kills() == 0
    script = f"import time; b = bytearray({64 * MIB}); b[::4096] = b'x' * len(b[::4096]); time.sleep(60)"
    greedy = inside(group, "python3", "-I", "-S", "-c", script)
    assert greedy.wait(30) == -9
    assert group.kernel_kills() == 1
