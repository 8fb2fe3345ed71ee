"""A sweep over whole captured hosts, each with its golden frame, and over this one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forestall.agent.sweep import Sweep, find_cgroups
from forestall.model.frame import Frame, Moment, Reading
from forestall.model.level import HOST_LEVEL
from forestall.model.plain import plain
from forestall.model.target import PROCESS
from forestall.system.clock import Clock
from forestall.system.procfs import Procfs
from tests.support.archive import HOSTS, lay_out
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody
from tests.support.worker import MIB, in_child, worker

MOMENT = Moment(10_000.0, 1_800_000_000.0, "b00t")
CAPTURED = ("linux-6.18-v1", "ubuntu-24.04-v2", "debian-10-hybrid", "bookworm-v2")
POD = "kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice"


def sweep_of(root: Path) -> Sweep:
    """A sweep over a host laid out in plain files."""
    return Sweep(Procfs(f"{root}/proc"), 4096, log_from_start=True, host_root=str(root))


def frame_of(host: str, root: Path) -> Frame:
    """One frame of a captured host."""
    lay_out(host, root)
    return sweep_of(root).frame(MOMENT)


def normal(frame: Frame, root: Path) -> Any:
    """The frame as JSON without what belongs to the place where it was laid out."""
    ordered = frame._replace(readings=tuple(sorted(frame.readings, key=lambda one: one.target.identity)))
    text = json.dumps(plain(ordered), indent=1).replace(str(root), "")
    return json.loads(re.sub(r"#\d+", "#inode", text))


def row(frame: Frame, name: str) -> Reading:
    """The row of that name."""
    return next(reading for reading in frame.readings if reading.target.name == name)


@pytest.mark.parametrize("host", CAPTURED)
def test_a_captured_host_gives_its_golden_frame(host: str, tmp_path: Path) -> None:
    """Every row, level, counter and note of the host is as it was reviewed."""
    found = normal(frame_of(host, tmp_path), tmp_path)
    golden = HOSTS / host / "golden.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(golden.read_text())


def test_a_second_pass_over_an_unchanged_host_is_the_same(tmp_path: Path) -> None:
    """What is remembered between passes changes nothing."""
    lay_out("linux-6.18-v1", tmp_path)
    sweep = sweep_of(tmp_path)
    assert sweep.frame(MOMENT) == sweep.frame(MOMENT)


def test_v1_names_the_level_that_decides(tmp_path: Path) -> None:
    """A sibling under a limited parent decides; alone, a service's own limit does; without any, the host."""
    frame = frame_of("linux-6.18-v1", tmp_path)
    assert row(frame, "small.service").limit_level == "/batch"
    assert row(frame, "api.service").limit_own
    assert row(frame, "calm.service").limit_level == HOST_LEVEL
    assert row(frame, "4f4f4f4f4f4f").own_limit_bytes == 64 * MIB


def test_trees_started_by_hand_have_their_enclosing_limit(tmp_path: Path) -> None:
    """In a limited user slice a group of processes is a row limited by the slice; in the root cgroup by the host."""
    frame = frame_of("ubuntu-24.04-v2", tmp_path)
    make = row(frame, "make")
    assert (make.target.kind, make.pids) == (PROCESS, 2)
    assert (make.limit_level, make.limit_own) == ("/user.slice/user-1000.slice", False)
    assert row(frame, "rescue").limit_level == HOST_LEVEL
    assert {one.target.name for one in frame.readings if one.target.kind == PROCESS} == {"make", "rescue"}


def test_v2_limits_and_swap_come_from_above(tmp_path: Path) -> None:
    """A container is limited by its pod, may not swap where the slice forbids it, and has its events."""
    frame = frame_of("ubuntu-24.04-v2", tmp_path)
    container = row(frame, "7e" * 6)
    assert container.limit_level.endswith(POD)
    assert container.swap_headroom_bytes == 0
    api = row(frame, "api.service")
    assert (api.near_misses, api.kills, api.limit_own) == (7, 1, True)


def test_on_a_hybrid_host_memory_is_where_the_controller_is(tmp_path: Path) -> None:
    """The v2 tree beside it has no memory: services are read from v1, and an old kernel's unknowns stay unknown."""
    frame = frame_of("debian-10-hybrid", tmp_path)
    api = row(frame, "api.service")
    assert api.own_limit_bytes == 128 * MIB
    assert (api.kills, api.kernel_bytes) == (None, None)
    assert row(frame, "bash").target.kind == PROCESS


def test_a_host_without_cgroups_shows_process_trees_and_says_so(tmp_path: Path) -> None:
    """No memory controller is mounted: a note with the remedy, and every tree limited by the host."""
    lay_out("ubuntu-24.04-v2", tmp_path)
    (tmp_path / "proc/self/mountinfo").write_text("29 1 252:0 / / rw - ext4 /dev/vda rw\n")
    frame = sweep_of(tmp_path).frame(MOMENT)
    assert find_cgroups(Procfs(f"{tmp_path}/proc"), str(tmp_path)) is None
    assert "mount cgroup2" in next(note.remedy for note in frame.notes if note.what == "memory cgroups")
    assert {one.limit_level for one in frame.readings} == {HOST_LEVEL}
    assert len(frame.readings) == 6


def test_inside_a_container_paths_are_seen_from_its_mount(tmp_path: Path) -> None:
    """Without a cgroup namespace the mount shows a part of the tree, and processes still belong to their rows."""
    lay_out("linux-6.18-v1", tmp_path)
    inside = tmp_path / "proc/self/mountinfo"
    mount = "35 31 0:32 /system.slice /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    inside.write_text(mount)
    memory = tmp_path / "sys/fs/cgroup/memory"
    (memory / "system.slice" / "api.service").rename(memory / "api.service")
    frame = sweep_of(tmp_path).frame(MOMENT)
    assert row(frame, "api.service").target.path == "/api.service"
    api_pid = (memory / "api.service" / "cgroup.procs").read_text().strip()
    assert not [one for one in frame.readings if one.target.identity.startswith(f"{api_pid}@")]


@pytest.mark.live
def test_this_host_shows_a_real_service_and_a_real_tree(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A limited cgroup is a row; a group started in an unlimited one is too, limited by the parent and named so."""
    parent = scratch_cgroup(128 * MIB)
    limited, free = parent.child("limited"), parent.child("free")
    limited.limit(64 * MIB)

    def look() -> None:
        sweep = Sweep(Procfs(), 4096, log_from_start=False)
        with (
            worker(limited, own_group=True),
            worker(free, own_group=True) as by_hand,
            worker(own_group=True) as plain_one,
        ):
            rows = {one.target.identity.partition("@")[0]: one for one in sweep.frame(Clock().now()).readings}
            by_path = {one.target.path: one for one in rows.values() if one.target.kind != PROCESS}
            assert by_path[limited.path].own_limit_bytes == 64 * MIB
            tree = rows[str(by_hand.pid)]
            assert (tree.limit_level, tree.limit_own, tree.target.kind) == (parent.path, False, PROCESS)
            assert rows[str(plain_one.pid)].limit_level == HOST_LEVEL
            assert free.path not in by_path

    in_child(look)


@pytest.mark.live
def test_a_cgroup_removed_between_listing_and_reading_costs_nothing(
    scratch_cgroup: Callable[..., ScratchCgroup], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is missing, the pass goes on, and a cgroup made again at once is another target."""
    group = scratch_cgroup()
    doomed = group.child("doomed.service")
    stays = group.child("stays.service")
    sweep = Sweep(Procfs(), 4096, log_from_start=False)
    assert sweep.cgroups is not None
    before = row(sweep.frame(Clock().now()), "doomed.service")
    walk = sweep.cgroups.cgroupfs.__class__.walk

    def walk_then_remove(self: Any, path: str = "/") -> Any:
        found = list(walk(self, path))
        doomed.directory.rmdir()
        return iter(found)

    monkeypatch.setattr(type(sweep.cgroups.cgroupfs), "walk", walk_then_remove)
    names = {one.target.name for one in sweep.frame(Clock().now()).readings}
    assert "stays.service" in names and "doomed.service" not in names
    monkeypatch.undo()
    doomed.directory.mkdir()
    after = row(sweep.frame(Clock().now()), "doomed.service")
    assert before.target.identity != after.target.identity
    assert stays.directory.exists()


@pytest.mark.live
def test_without_root_what_may_be_seen_is_shown_and_the_rest_is_said(
    scratch_cgroup: Callable[..., ScratchCgroup], tmp_path: Path
) -> None:
    """Nobody sees the services with their kill counters; that there is no kernel log, and why, is a note."""
    group = scratch_cgroup(24 * MIB)
    service = group.child("api.service")
    with worker(service) as one:
        one.begin(f"held = [b'x' * {MIB} for _ in range(64)]")
        assert one.wait() == -9

    def look() -> None:
        sweep = Sweep(Procfs(), 4096, log_from_start=True, host_root="")
        sweep.log = type(sweep.log)(from_start=True, path=str(tmp_path / "no-kmsg"))
        frame = sweep.frame(Clock().now())
        found = next(one for one in frame.readings if one.target.path == group.path)
        inside = next(one for one in frame.readings if one.target.path == service.path)
        assert (found.kills or 0) + (inside.kills or 0) >= 1
        assert frame.kills == ()
        note = next(note for note in frame.notes if note.what == "the kernel log")
        assert "oom_kill counters" in note.why

    as_nobody(look)
