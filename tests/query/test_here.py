"""The places of this process: a user without a home of its own still has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from forestall.model.errors import Denied
from forestall.query import here
from forestall.query.here import own_places


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ordinary user whose home cannot be made; returns the private directory it would get."""
    (tmp_path / "file").write_text("", encoding="ascii")
    monkeypatch.setattr("forestall.query.places.TEMPORARY", str(tmp_path))
    monkeypatch.setattr(here.os, "getuid", lambda: 65534)
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return tmp_path / "forestall-65534"


def test_it_is_made_when_something_is_written_and_said_once(homeless: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who only reads leaves nothing; who writes is told where, the first time."""
    assert own_places(None).state == str(homeless)
    assert not homeless.exists()
    for _ in range(2):
        assert own_places(None, writes=True).state == str(homeless)
    assert homeless.stat().st_mode & 0o777 == 0o700
    assert capsys.readouterr().err.count(str(homeless)) == 1


def test_a_name_that_is_taken_is_refused_for_readers_too(homeless: Path) -> None:
    """What somebody else put there is not believed."""
    homeless.symlink_to("/")
    for writes in (False, True):
        with pytest.raises(Denied, match="somebody else"):
            own_places(None, writes=writes)
