"""A private directory where everybody may write: made for one user alone, and never somebody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from forestall.model.errors import Absent, Denied
from forestall.system.private import check_private, make_private, may_be_made
from tests.support.stores import NOBODY


def test_it_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    """Mode 0700; the second time it is there already, and what others were allowed since is taken back."""
    path = tmp_path / "own"
    assert make_private(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    path.chmod(0o755)
    assert not make_private(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_link_or_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    """Who made the name first does not decide where we write."""
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_text("", encoding="ascii")
    for name in ("link", "file"):
        with pytest.raises(Denied, match="somebody else"):
            make_private(str(tmp_path / name))
    check_private(str(tmp_path / "missing"))
    with pytest.raises(Absent):
        make_private(str(tmp_path / "missing" / "below"))


@pytest.mark.live
def test_somebody_elses_directory_is_refused(live: str, tmp_path: Path) -> None:
    """A directory of another user's is not ours, even if we could write to it."""
    path = tmp_path / "theirs"
    path.mkdir()
    os.chown(path, NOBODY, NOBODY)
    with pytest.raises(Denied, match="somebody else"):
        check_private(str(path))


def test_what_may_be_made_is_asked_of_the_nearest_directory(tmp_path: Path) -> None:
    """A directory that is there, one that could be made below it, and none below a file or below /proc."""
    (tmp_path / "file").write_text("", encoding="ascii")
    assert may_be_made(str(tmp_path))
    assert may_be_made(str(tmp_path / "a" / "b"))
    assert not may_be_made(str(tmp_path / "file" / "a"))
