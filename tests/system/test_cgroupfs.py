"""The memory hierarchy, on plain directories and on the real one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.model.errors import Absent, Denied, Malformed
from forestall.system.cgroupfs import Cgroupfs
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody

ODD_NAMES = (b"(brackets) [x]", b"two  spaces", b"not-utf-8-\xff\xfe", "schlüssel".encode(), b"$(reboot);'\"")


def test_a_walk_lists_parents_before_children(tmp_path: Path) -> None:
    """Every directory once, the root first, files left out."""
    for path in ("a/b/c", "a/d", "e"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "a" / "memory.current").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path)
    paths = [found.path for found in Cgroupfs(str(tmp_path), 2).walk()]
    assert sorted(paths) == ["/", "/a", "/a/b", "/a/b/c", "/a/d", "/e"]
    assert all(paths.index(path.rpartition("/")[0] or "/") < paths.index(path) for path in paths[1:])


def test_a_walk_passes_over_what_vanishes(tmp_path: Path) -> None:
    """A cgroup removed between listing and reading is left out, the rest is there."""
    for name in ("one", "two", "three"):
        (tmp_path / name / "below").mkdir(parents=True)
    walk = Cgroupfs(str(tmp_path), 1).walk()
    assert next(walk).path == "/"
    seen = next(walk).path
    other = next(name for name in ("one", "two", "three") if f"/{name}" != seen)
    (tmp_path / other / "below").rmdir()
    (tmp_path / other).rmdir()
    rest = {found.path for found in walk}
    assert f"/{other}" not in rest
    assert len(rest) == 3


def test_a_walk_survives_a_path_too_long_for_the_kernel(tmp_path: Path) -> None:
    """Somebody who may make cgroups can nest them beyond PATH_MAX; what is above is still listed."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("n" * 250, dir_fd=descriptor)
        below = os.open("n" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    (tmp_path / "beside").mkdir()
    paths = [found.path for found in Cgroupfs(str(tmp_path), 2).walk()]
    assert "/beside" in paths
    assert 10 < len(paths) < 20


@pytest.mark.live
def test_a_walk_passes_over_what_may_not_be_listed(live: str, tmp_path: Path) -> None:
    """A closed cgroup is seen, what lies in it is not, and the walk goes on."""
    for above in [tmp_path, *list(tmp_path.parents)[:2]]:
        above.chmod(0o755)
    (tmp_path / "closed" / "inside").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    (tmp_path / "open" / "inside").mkdir(parents=True)

    def walk() -> None:
        cgroupfs = Cgroupfs(str(tmp_path), 1)
        assert {found.path for found in cgroupfs.walk()} == {"/", "/closed", "/open", "/open/inside"}
        with pytest.raises(Denied):
            cgroupfs.children("/closed")
        with pytest.raises(Denied):
            cgroupfs.make("/mine")
        assert not cgroupfs.writable("/")

    as_nobody(walk)


@pytest.mark.live
@pytest.mark.parametrize("raw", ODD_NAMES)
def test_a_name_may_hold_any_byte(scratch_cgroup: Callable[..., ScratchCgroup], raw: bytes) -> None:
    """A cgroup with an odd name is listed, read and removed under exactly that name."""
    group = scratch_cgroup()
    cgroupfs = Cgroupfs(group.mount, 1)
    path = f"{group.path}/{os.fsdecode(raw)}"
    cgroupfs.make(path)
    assert [found.path for found in cgroupfs.walk(group.path)] == [group.path, path]
    assert cgroupfs.read(path, "memory.usage_in_bytes").strip().isdigit()
    cgroupfs.remove(path)
    assert not cgroupfs.exists(path)


@pytest.mark.live
def test_a_cgroup_made_again_has_another_inode(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """The same path after a removal is another cgroup."""
    group = scratch_cgroup()
    cgroupfs = Cgroupfs(group.mount, 1)
    before = cgroupfs.inode(group.path)
    cgroupfs.remove(group.path)
    with pytest.raises(Absent):
        cgroupfs.inode(group.path)
    cgroupfs.remove(group.path)
    cgroupfs.make(group.path)
    assert cgroupfs.inode(group.path) != before


@pytest.mark.live
def test_what_the_kernel_refuses_is_said(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A wrong value, a cgroup that is there already or has children, and a file that this kernel has not."""
    group = scratch_cgroup()
    cgroupfs = Cgroupfs(group.mount, 1)
    with pytest.raises(Malformed):
        cgroupfs.write(group.path, "memory.limit_in_bytes", "much")
    with pytest.raises(Malformed):
        cgroupfs.make(group.path)
    group.child("below")
    with pytest.raises(Malformed):
        cgroupfs.remove(group.path)
    with pytest.raises(Absent):
        cgroupfs.read(group.path, "memory.current")
    cgroupfs.write(group.path, "memory.limit_in_bytes", str(1 << 24))
    kept = cgroupfs.keep(group.path, "memory.limit_in_bytes")
    assert int(kept.read(64)) == 1 << 24
    kept.close()


def test_paths_of_processes_are_seen_from_the_mount() -> None:
    """Inside a container without a cgroup namespace the mount shows a part of the hierarchy only."""
    part = Cgroupfs("/sys/fs/cgroup/memory", 1, "/docker/3b1f")
    assert part.below("/docker/3b1f") == "/"
    assert part.below("/docker/3b1f/worker") == "/worker"
    assert part.below("/docker/3b1f0/worker") == "/docker/3b1f0/worker"
    assert Cgroupfs("/sys/fs/cgroup", 2).below("/a/b") == "/a/b"
