"""The mount table, and the hierarchy that accounts memory."""

from __future__ import annotations

import pytest

from forestall.model.errors import Absent, Malformed
from forestall.parse import mounts
from forestall.parse.mounts import Hierarchy, Mount
from tests.support.samples import sample

CONTAINER = "/docker/4d5e2c1b6a7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819"


@pytest.mark.parametrize(
    ("host", "hierarchy"),
    [
        ("linux-6.18-v1", Hierarchy(1, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified")),
        ("ubuntu-18.04-hybrid", Hierarchy(1, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified")),
        ("debian-10-hybrid", Hierarchy(1, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified")),
        ("ubuntu-24.04-v2", Hierarchy(2, "/sys/fs/cgroup", "/sys/fs/cgroup")),
        ("docker-on-v1", Hierarchy(1, "/sys/fs/cgroup/memory", None, CONTAINER)),
    ],
)
def test_the_memory_hierarchy_is_found_by_the_mount_table(host: str, hierarchy: Hierarchy) -> None:
    """Pure, hybrid and containerised hosts are told apart without guessing at paths."""
    assert mounts.memory_hierarchy(mounts.parse(sample(host, "mountinfo"))) == hierarchy


def test_a_host_without_cgroups_is_absent_with_a_remedy() -> None:
    """The error says what to mount."""
    with pytest.raises(Absent) as caught:
        mounts.memory_hierarchy([Mount("/", "ext4", frozenset({"rw"}), "/")])
    assert "cgroup2" in caught.value.remedy


def test_blanks_and_backslashes_of_a_path_are_undone() -> None:
    """Octal escapes become the characters they stand for."""
    found = mounts.parse(sample("ubuntu-18.04-hybrid", "mountinfo"))
    assert "/srv/my files\\new" in {mount.point for mount in found}


def test_options_of_the_mount_and_of_the_filesystem_come_together() -> None:
    """A cgroup mounted read-only for a container says so, and names its controller."""
    found = mounts.parse(sample("docker-on-v1", "mountinfo"))
    memory = next(mount for mount in found if mount.point == "/sys/fs/cgroup/memory")
    assert {"ro", "memory"} <= memory.options
    assert memory.root == CONTAINER


def test_a_mount_without_a_source_is_read() -> None:
    """The kernel prints an empty source as nothing between two blanks."""
    (found,) = mounts.parse(b"24 23 0:20 / /x rw - tmpfs  rw,size=1k\n")
    assert found == Mount("/x", "tmpfs", frozenset({"rw", "size=1k"}), "/")


def test_the_whole_hierarchy_is_preferred_to_a_part_of_it() -> None:
    """A container's bind mount of its own cgroup does not stand for the host's tree."""
    part = Mount("/c", "cgroup2", frozenset({"rw"}), "/inner")
    whole = Mount("/sys/fs/cgroup", "cgroup2", frozenset({"rw"}), "/")
    assert mounts.memory_hierarchy([part, whole]).point == "/sys/fs/cgroup"


def test_a_later_mount_hides_the_earlier_one_on_its_point() -> None:
    """What is mounted over is not there."""
    hidden = Mount("/sys/fs/cgroup", "cgroup2", frozenset({"rw"}), "/")
    over = Mount("/sys/fs/cgroup", "tmpfs", frozenset({"rw"}), "/")
    with pytest.raises(Absent):
        mounts.memory_hierarchy([hidden, over])


@pytest.mark.parametrize("text", [b"", b"\n\n", b"36 35 98:0 /a /b rw", b"garbage - here"])
def test_a_table_without_a_mount_is_malformed(text: bytes) -> None:
    """Every process sees at least its root."""
    with pytest.raises(Malformed):
        mounts.parse(text)
