"""Deeds: which of them can be taken back."""

from __future__ import annotations

import pytest

from forestall.model.action import SIDE_VERBS, STOPPING_VERBS, VERBS, Deed


@pytest.mark.parametrize(
    ("verb", "irreversible"),
    [("notify", False), ("capture", False), ("terminate", True), ("restart", True), ("command", True)],
)
def test_what_cannot_be_taken_back(verb: str, irreversible: bool) -> None:
    """Ending a process and running somebody's command cannot be taken back; telling and keeping can."""
    assert Deed(verb).irreversible is irreversible


def test_every_verb_runs_beside_or_takes_its_turn() -> None:
    """No verb both stops its target and runs beside what stops it, and all of them are known."""
    assert not STOPPING_VERBS & SIDE_VERBS
    assert STOPPING_VERBS | SIDE_VERBS | {"command"} == VERBS
