"""Kept captures are found again: those of the agent and those of runs, by id or its beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from forestall.model.capture import Capture, Piece
from forestall.model.errors import Absent
from forestall.query.captures import kept_capture, kept_captures
from forestall.store.disk import Store
from tests.support.frames import MIB, reading

TARGET = reading("api.service").target


def capture(name: str, at: float, *, minimal: bool = False) -> Capture:
    """A capture of that id."""
    return Capture(name, TARGET, at, 1_800_000_000.0 + at, "used 93%", 64 * MIB, minimal, (Piece("top", "leaker\n"),))


@pytest.fixture
def state(tmp_path: Path) -> str:
    """A state directory with a capture of the agent and two of one run, minimal and full."""
    for directory, captures in (
        (tmp_path, [capture("b00t-9-full", 9.0)]),
        (tmp_path / "run" / "77-1", [capture("b00t-5", 5.0, minimal=True), capture("b00t-5", 5.5)]),
    ):
        store = Store(str(directory))
        for one in captures:
            store.capture(one)
        store.close()
    (tmp_path / "run" / "78-1").mkdir()
    return str(tmp_path)


def test_all_are_listed_oldest_first(state: str) -> None:
    """The agent's own and those of each run, whole, in the order of time; a run without any is no failure."""
    found = [kept.capture for kept in kept_captures(state)]
    assert [(one.id, one.minimal) for one in found] == [("b00t-5", True), ("b00t-5", False), ("b00t-9-full", False)]
    assert found[2] == capture("b00t-9-full", 9.0)


def test_one_is_found_by_the_beginning_of_its_id(state: str) -> None:
    """Of a minimal and a full one of the same id the full is given."""
    assert kept_capture(state, "b00t-9") == capture("b00t-9-full", 9.0)
    assert kept_capture(state, "b00t-5") == capture("b00t-5", 5.5)


@pytest.mark.parametrize(("wanted", "why"), [("b00t", "several"), ("c", "no kept capture has the id 'c'")])
def test_an_id_that_means_none_or_several_is_told(state: str, wanted: str, why: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Absent, match=why):
        kept_capture(state, wanted)


def test_without_any_there_is_a_way_to_get_one(tmp_path: Path) -> None:
    """An empty or missing directory is told, with what would help; a run alone is enough."""
    with pytest.raises(Absent, match="no capture") as told:
        kept_captures(str(tmp_path / "missing"))
    assert "forestall capture TARGET" in told.value.remedy
    store = Store(str(tmp_path / "run" / "1-1"))
    store.capture(capture("x", 1.0))
    store.close()
    assert [kept.capture.id for kept in kept_captures(str(tmp_path))] == ["x"]
