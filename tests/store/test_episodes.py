"""The raw frames around what happened."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from forestall.model.finding import Finding, Severity
from forestall.store import files
from forestall.store.episodes import copy, groups_around
from forestall.store.reader import Reader
from forestall.store.schema import EPISODES, RECENT, file_for
from tests.support.stores import BEGIN_WALL_SECONDS, fill, growing

HOUR = file_for(RECENT, BEGIN_WALL_SECONDS)


def finding(directory: Path, severity: Severity) -> None:
    """An hour of frames with a finding at its 30th minute."""
    store = fill(str(directory), 360)
    frame = growing(180)[0]
    store.finding(Finding("x", frame.readings[0].target, severity, "", (), 1.0), frame.moment)
    store.close()


@pytest.mark.parametrize(("severity", "groups"), [(Severity.CRITICAL, 2), (Severity.WARNING, 2), (Severity.INFO, 0)])
def test_a_finding_keeps_the_groups_around_it(tmp_path: Path, severity: Severity, groups: int) -> None:
    """The frames from 20:00 to 31:00 lie in two groups of ten minutes; one that only informs keeps nothing."""
    finding(tmp_path, severity)
    found = list(groups_around(str(tmp_path), HOUR))
    assert len(found) == groups
    assert all(row.key == rows[0].id for rows in found for row in rows)


def test_a_group_is_copied_once(tmp_path: Path) -> None:
    """Done again after an interruption nothing is there twice, and the frames can be read."""
    finding(tmp_path, Severity.WARNING)
    found = list(groups_around(str(tmp_path), HOUR))
    file = file_for(EPISODES, BEGIN_WALL_SECONDS)
    with closing(files.open_to_write(str(tmp_path), file)) as connection:
        for rows in found + found:
            copy(connection, rows)
        (count,) = connection.execute("SELECT count(*) FROM frames").fetchone()
    assert count == sum(map(len, found))
    files.remove(str(tmp_path), HOUR.name)
    picture = Reader(str(tmp_path)).picture(growing(180)[0].moment.wall_seconds)
    assert picture is not None
    assert picture.frame == growing(180)[0]
