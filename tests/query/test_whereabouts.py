"""A pid leads to its memory cgroup, read from this machine."""

from __future__ import annotations

import os

from forestall.query.whereabouts import cgroup_of


def test_our_own_cgroup_is_found() -> None:
    """The cgroup of this process is a path of this machine that /proc/self/cgroup names."""
    path = cgroup_of(os.getpid())
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        named = [line.rstrip("\n").split(":", 2)[2] for line in file]
    assert path == "" or path in named


def test_a_process_that_is_gone_is_nowhere() -> None:
    """A pid that no process can have gives the empty path and no error."""
    assert cgroup_of(2**22 + 1) == ""
