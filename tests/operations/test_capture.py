"""A capture by hand: the same evidence that the agent takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from forestall.model.target import CGROUP, PROCESS, Target, process_identity
from forestall.operations.capture import capture
from forestall.operations.leftovers import start_ticks
from forestall.system.procfs import Procfs
from tests.support.processes import HEEDS_TERM, python, started
from tests.support.scratch import ScratchCgroup


@pytest.mark.live
def test_a_cgroup_is_captured_with_its_processes(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Files, the largest processes and their mappings are there."""
    group = scratch_cgroup(64 * 2**20)
    words = ["sh", "-c", f'echo $$ >{group.directory}/cgroup.procs; exec "$@"', "sh", *python(HEEDS_TERM)]
    with started(words) as process:
        assert process.stdout is not None
        process.stdout.readline()
        taken = capture(Target(CGROUP, f"{group.path}#1", group.path, group.path), 5)
        names = {piece.name for piece in taken.pieces}
    assert {"memory.stat", "top", "meminfo", f"smaps_rollup {process.pid}"} <= names
    assert (taken.minimal, taken.value_bytes, taken.why) == (False, 5, "asked for")


def test_a_process_tree_is_captured_as_far_as_it_may_be_read() -> None:
    """A tree of our own: its processes and mappings, no cgroup files."""
    with started(python(HEEDS_TERM), start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        identity = process_identity(process.pid, start_ticks(Procfs(), process.pid))
        taken = capture(Target(PROCESS, identity, "python"), 5)
    pieces = {piece.name: piece.text for piece in taken.pieces}
    assert "Rss:" in pieces[f"smaps_rollup {process.pid}"]
    assert str(process.pid) in pieces["top"]
    assert "memory.stat" not in pieces


def test_a_target_that_is_gone_leaves_what_the_host_tells() -> None:
    """Captures never fail: what cannot be had is left out."""
    taken = capture(Target(PROCESS, "4194300@1", "gone"), 0)
    assert {"top", "meminfo"} <= {piece.name for piece in taken.pieces}
