"""`forestall config check`: what is wrong with file and line, or what it would do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forestall.config.encode import decode
from forestall.ui.cli import main

TEXT = """
[[service]]
match = "unit:api-*.service"
dry_run = true
restart = ["systemctl", "restart", "{unit}"]
  [[service.step]]
  when = "used > 80% of limit for 30s"
  do = ["notify", "capture"]
  [[service.step]]
  when = "used > 92% of limit"
  do = ["restart"]
[[service]]
match = "unit:db.service"
protect = true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration without mistakes."""
    path = tmp_path / "my.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_right_one_is_told_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, services, steps and what they do; dry run and protection are marked."""
    assert main.main(["config", "check", "--config", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ok: {file}"
    assert "  unit:api-*.service (dry run)" in lines
    assert "    when used > 80% of limit for 30s: notify, capture" in lines
    assert "    when used > 92% of limit: restart" in lines
    assert "  unit:db.service (protected)" in lines


def test_json_is_what_the_agent_reads(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The object is the configuration as the guard is handed it."""
    assert main.main(["config", "check", "--json", "--config", str(file)]) == 0
    config = decode(json.loads(capsys.readouterr().out))
    assert [policy.match for policy in config.services] == ["unit:api-*.service", "unit:db.service"]


def test_every_mistake_is_told_with_its_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two mistakes are two lines, and the exit code is 3."""
    wrong = TEXT.replace('do = ["restart"]', 'do = ["reboot"]').replace("used > 80%", "use > 80%")
    file.write_text(wrong, encoding="utf-8")
    assert main.main(["config", "check", "--config", str(file)]) == 3
    said = capsys.readouterr().err
    assert "my.toml:7" in said
    assert "my.toml:11" in said


def test_only_check_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    """Another deed is a mistake of the command line."""
    assert main.main(["config", "repair"]) == 2
    assert "repair" in capsys.readouterr().err
