"""Identities: what makes a target the same thing later."""

from __future__ import annotations

from forestall.model.target import cgroup_identity, process_identity


def test_a_cgroup_made_anew_is_another_target() -> None:
    """The same path with another inode is not the same target."""
    assert cgroup_identity("/a/b", 1234) == "/a/b#1234"
    assert cgroup_identity("/a/b", 1234) != cgroup_identity("/a/b", 1235)


def test_a_reused_pid_is_another_target() -> None:
    """The same pid with another start time is not the same target."""
    assert process_identity(812, 99341) == "812@99341"
    assert process_identity(812, 99341) != process_identity(812, 99342)
