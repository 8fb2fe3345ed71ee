"""`forestall agent` as people type it; what it does is tried in tests/operations and tests/agent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forestall.ui.cli import main
from tests.support.processes import forestall, read_lines, started, wait_until


@pytest.mark.parametrize(
    "text", ["[agent", "x = 1", '[[service]]\nmatch = "unit:*"\nwhat = 1', '[agent]\ninterval = "x"']
)
def test_a_wrong_configuration_is_told_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """Exit code 3, the file and the line, and no agent."""
    file = tmp_path / "wrong.toml"
    file.write_text(text, encoding="utf-8")
    assert main.main(["agent", "--state-dir", str(tmp_path / "s"), "--config", str(file)]) == 3
    assert "wrong.toml:" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A named file that is missing is an error, never the defaults."""
    assert main.main(["agent", "--state-dir", str(tmp_path), "--config", str(tmp_path / "none.toml")]) != 0
    assert "none.toml" in capsys.readouterr().err


@pytest.mark.live
def test_json_says_where_everything_is(live: str, tmp_path: Path) -> None:
    """The first line of --json names the directories; all that is written lies below --state-dir."""
    (tmp_path / "c.toml").write_text("", encoding="utf-8")
    words = forestall("agent", "--json", "--state-dir", tmp_path / "s", "--config", tmp_path / "c.toml")
    with started(words) as process:
        told = json.loads(read_lines(process, "{")[0])
        assert told == {"version": 1, "state": str(tmp_path / "s"), "runtime": str(tmp_path / "s/run")}
        wait_until((tmp_path / "s/run/now").exists)
        process.terminate()
        assert process.wait(8) == 0
