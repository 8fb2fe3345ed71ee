"""What the store forgets."""

from __future__ import annotations

from pathlib import Path

from forestall.store import retention as module
from forestall.store.retention import DAY_SECONDS, Retention

NOON = 1_800_000_000.0 - 1_800_000_000.0 % 86_400 + 43_200
"""12:00 UTC on 2027-01-15."""

KIB_64 = b"x" * 65_536


def expired(directory: str, retention: Retention, wall_seconds: float) -> list[str]:
    """Names of the files that go."""
    return [file.name for file in module.expired(directory, retention, wall_seconds)]


def put(directory: Path, *names: str) -> None:
    """Files of 64 KiB each."""
    for name in names:
        (directory / name).write_bytes(KIB_64)


def test_a_file_goes_when_its_period_is_older_than_its_tier_allows(tmp_path: Path) -> None:
    """Raw frames after a day, series and episodes after a month, overviews after a year."""
    put(tmp_path, "recent-20270114T10.db", "recent-20270114T11.db", "long-20261215.db", "episodes-20261214.db")
    put(tmp_path, "year-202512.db", "year-202601.db", "long-20270101.db")
    assert set(expired(str(tmp_path), Retention(), NOON + 60)) == {
        "recent-20270114T10.db",
        "recent-20270114T11.db",
        "long-20261215.db",
        "episodes-20261214.db",
        "year-202512.db",
    }


def test_the_file_of_the_running_period_stays_whatever_its_size(tmp_path: Path) -> None:
    """The writer is never robbed of its open file."""
    put(tmp_path, "recent-20270115T12.db", "episodes-20270115.db", "long-20270115.db", "year-202701.db")
    assert expired(str(tmp_path), Retention(bytes_max=0), NOON) == []


def test_when_room_is_short_damaged_files_go_first_and_evidence_last(tmp_path: Path) -> None:
    """Then raw frames, oldest first, then series; and no more than has to."""
    put(tmp_path, "recent-20270115T10.db", "recent-20270115T11.db", "long-20270110.db", "episodes-20270110.db")
    put(tmp_path, "recent-20270115T09.db.damaged")
    order = ["recent-20270115T09.db.damaged", "recent-20270115T10.db", "recent-20270115T11.db", "long-20270110.db"]
    for kept in range(5):
        retention = Retention(bytes_max=kept * 65_536)
        gone = expired(str(tmp_path), retention, NOON)
        assert gone == [*order, "episodes-20270110.db"][: 5 - kept]


def test_a_longer_time_keeps_more(tmp_path: Path) -> None:
    """Each tier's time is a setting of its own."""
    put(tmp_path, "recent-20270114T10.db")
    assert expired(str(tmp_path), Retention(recent_seconds=2 * DAY_SECONDS), NOON) == []


def test_foreign_files_are_never_touched(tmp_path: Path) -> None:
    """Only names of the store are looked at."""
    put(tmp_path, "now", "notes.txt", "recent-20270101T00.db-wal")
    assert expired(str(tmp_path), Retention(bytes_max=0), NOON) == []
