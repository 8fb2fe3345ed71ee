"""The minimal capture: what can be read without waiting, as text, within its bound."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.act.capture import FILES_V1, PROCESSES_KEPT, bounded, cgroup_pieces, top_piece
from forestall.model.capture import MINIMAL_BYTES_MAX, Piece
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.procfs import Procfs
from tests.support.scratch import ScratchCgroup


@pytest.mark.live
def test_the_files_of_a_real_cgroup(live: str, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Usage, limit, events and the split of a cgroup are kept under their own names."""
    group = scratch_cgroup(64 * 2**20)
    pieces = {piece.name: piece.text for piece in cgroup_pieces(Cgroupfs(live, 1), group.path)}
    assert set(pieces) <= set(FILES_V1)
    assert pieces["memory.limit_in_bytes"] == str(64 * 2**20)
    assert "\ntotal_rss 0" in pieces["memory.stat"]
    assert "oom_kill 0" in pieces["memory.oom_control"]


@pytest.mark.live
def test_a_cgroup_that_has_gone_leaves_nothing_out_of_order(live: str) -> None:
    """A removed cgroup gives no pieces and no error."""
    assert cgroup_pieces(Cgroupfs(live, 1), "/forestall-test-never-made") == []


def test_a_tree_of_version_2_is_read_by_its_own_names(tmp_path: Path) -> None:
    """On v2 the v2 files are kept; bytes that are no text are made printable."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "memory.current").write_bytes(b"4096\n")
    (tmp_path / "a" / "memory.events").write_bytes(b"low 0\n\xff\x1b 1\n")
    pieces = cgroup_pieces(Cgroupfs(str(tmp_path), 2), "/a")
    assert [piece.name for piece in pieces] == ["memory.current", "memory.events"]
    assert pieces[1].text.splitlines()[0] == "low 0"
    assert pieces[1].text.isprintable() or "\n" in pieces[1].text
    assert "\x1b" not in pieces[1].text


def test_the_largest_processes_come_first() -> None:
    """A table by resident size with a header; vanished processes are left out, twenty are kept."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    lines = top_piece(Procfs(), [*pids, 2**22 - 3], os.sysconf("SC_PAGE_SIZE")).text.splitlines()
    sizes = [int(line.split()[1]) for line in lines[1:]]
    assert lines[0].split()[0] == "PID"
    assert sizes == sorted(sizes, reverse=True)
    assert 1 <= len(sizes) <= PROCESSES_KEPT


def test_a_hostile_name_stays_on_its_line(tmp_path: Path) -> None:
    """A process may call itself anything without breaking the table."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "statm").write_text("1000 500 100 1 0 300 0\n", encoding="ascii")
    fields = " ".join(["S", "1", "7", "7", *["0"] * 16, "900", *["0"] * 30])
    (tmp_path / "7" / "stat").write_bytes(b"7 (evil)\n\x1b[2J (x) " + fields.encode() + b"\n")
    lines = top_piece(Procfs(str(tmp_path)), [7], 4096).text.split("\n")
    assert len(lines) == 2
    assert "\x1b" not in lines[1]


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=40_000)), max_size=8))
def test_pieces_never_exceed_their_bound(parts: list[tuple[str, str]]) -> None:
    """Whatever is captured fits, what is cut says so, and the first pieces are the last to be cut."""
    kept = bounded(Piece(name, text) for name, text in parts)
    total = sum(
        len(piece.text.encode("utf-8", "replace")) + len(piece.name.encode("utf-8", "replace")) for piece in kept
    )
    assert total <= MINIMAL_BYTES_MAX
    for piece, (name, text) in zip(kept, parts, strict=False):
        assert piece.name == name
        assert piece.text == text or piece.text.endswith("... cut: no room left")
