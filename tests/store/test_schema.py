"""Names of the store's files."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.store.schema import TABLES, TIERS, file_for, read_name

MOMENTS = st.floats(0, 4_000_000_000)


@pytest.mark.parametrize(
    ("tier", "name"),
    [
        ("recent", "recent-20270115T07.db"),
        ("long", "long-20270115.db"),
        ("year", "year-202701.db"),
        ("episodes", "episodes-20270115.db"),
    ],
)
def test_a_file_is_named_after_its_tier_and_period_in_utc(tier: str, name: str) -> None:
    """An hour, a day or a month, as `ls` sorts them."""
    assert file_for(tier, 1_800_000_000.0 - 1800).name == name


@given(st.sampled_from(TIERS), MOMENTS, st.integers(1, 99), st.booleans())
def test_a_name_says_what_made_it(tier: str, wall_seconds: float, turn: int, damaged: bool) -> None:
    """Tier, period, turn and damage are read back, and the period holds the moment."""
    file = file_for(tier, wall_seconds, turn)
    assert file.begin_wall_seconds <= wall_seconds < file.end_wall_seconds
    read = read_name(file.name + (".damaged" if damaged else ""))
    assert read == file._replace(name=read.name if read else "", damaged=damaged)


@pytest.mark.parametrize(
    "name",
    [
        *("", "recent-2027.db", "recent-20271315T07.db", "recent-20270115.db", "long-20270115T07.db", "now"),
        *("recent-20270115T07.db-wal", "recent-00000000T00.db", "year-999912.db", "x-20270115.db", "long-20270230.db"),
    ],
)
def test_any_other_name_is_not_ours(name: str) -> None:
    """Foreign files, companions and impossible dates are left alone."""
    assert read_name(name) is None


@given(st.text(max_size=30))
def test_any_text_can_be_asked_about(name: str) -> None:
    """A directory may hold anything."""
    assert read_name(name) is None or name.endswith((".db", ".damaged"))


@pytest.mark.parametrize("tier", TIERS)
def test_the_tables_can_be_made_twice(tier: str) -> None:
    """Opening a file that has its tables already is no error."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLES[tier])
    connection.executescript(TABLES[tier])
    connection.close()
