"""Notices in a file."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest

from forestall.model.action import Notice
from forestall.model.errors import Denied
from forestall.model.plain import value
from forestall.model.target import UNIT, Target
from forestall.notify.file import PLUGIN, File, Settings

NOTICE = Notice("n1", 5.0, 1, Target(UNIT, "x#1", "api\n\udcff", "/x"), "4m left", (("used", "490MiB"),))


def test_a_notice_is_a_line_of_json_that_says_everything(tmp_path: Path) -> None:
    """It can be read back whole."""
    path = tmp_path / "notices"
    notifier = PLUGIN.make(PLUGIN.settings(str(path)))
    for index in range(3):
        notifier.send(NOTICE._replace(id=str(index)))
    read = [value(Notice, json.loads(line)) for line in path.read_text().splitlines()]
    assert read == [NOTICE._replace(id=str(index)) for index in range(3)]
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_file_is_bounded_and_the_older_half_is_kept_beside_it(tmp_path: Path) -> None:
    """Never more than two files of that size, and no line is cut."""
    path = tmp_path / "notices"
    notifier = File(Settings(str(path), size_bytes=1000))
    for index in range(100):
        notifier.send(NOTICE._replace(id=f"{index:02}"))
    assert sorted(os.listdir(tmp_path)) == ["notices", "notices.1"]
    assert all(file.stat().st_size <= 1000 for file in tmp_path.iterdir())
    lines = [line for name in ("notices.1", "notices") for line in (tmp_path / name).read_text().splitlines()]
    ids = [json.loads(line)["id"] for line in lines]
    assert ids == [f"{index:02}" for index in range(100 - len(ids), 100)]


def test_a_notice_larger_than_the_bound_is_kept_alone(tmp_path: Path) -> None:
    """It is not dropped, nor does it rotate an empty file."""
    path = tmp_path / "notices"
    File(Settings(str(path), size_bytes=10)).send(NOTICE)
    assert os.listdir(tmp_path) == ["notices"]


def test_a_place_that_cannot_be_written_is_denied(tmp_path: Path) -> None:
    """The sender is told, with the path."""
    with pytest.raises(Denied, match="none/notices"):
        File(Settings(str(tmp_path / "none" / "notices"))).send(NOTICE)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """Nobody can make the agent append to another file."""
    (tmp_path / "notices").symlink_to(tmp_path / "victim")
    with pytest.raises(Denied):
        File(Settings(str(tmp_path / "notices"))).send(NOTICE)
    assert not (tmp_path / "victim").exists()


def test_half_a_line_is_taken_back(tmp_path: Path) -> None:
    """On a full disk (here a limit on the file's size) every line that is there stays JSON."""
    path = tmp_path / "notices"
    notifier = File(Settings(str(path)))
    notifier.send(NOTICE)
    whole = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, before[1]))
    try:
        with pytest.raises(Denied):
            notifier.send(NOTICE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == whole
