"""`forestall history`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from forestall.model.finding import Finding, Severity
from forestall.ui.cli import history as command
from forestall.ui.cli.main import COMMANDS, main
from tests.support.frames import MIB
from tests.support.stores import BEGIN_WALL_SECONDS, fill, growing

SPAN = ["--since", str(int(BEGIN_WALL_SECONDS)), "--until", str(int(BEGIN_WALL_SECONDS + 3600))]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten minutes of api.service with a finding in its fourth."""
    directory = tmp_path_factory.mktemp("state")
    store = fill(str(directory), 60)
    frame = growing(24)[0]
    store.finding(Finding("x", frame.readings[0].target, Severity.WARNING, "4 minutes left", (), 1240.0), frame.moment)
    store.close()
    return str(directory)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times in these tests are UTC."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints; it has to succeed and say nothing on stderr."""
    assert main(["history", *words]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def test_the_table_is_a_screenful_with_what_happened_in_between(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Thirty rows at most, the limit beside the use, the finding at its time."""
    lines = shown(capsys, "api", "--state-dir", state, *SPAN).splitlines()
    assert lines[0].split() == ["TIME", "USED", "LOWEST", "HIGHEST", "LIMIT", "OF", "LIMIT"]
    assert lines[1].split() == ["00:00:00", "101Mi", "100Mi", "101Mi", "2.0Gi", "5%"]
    assert lines.index("00:04:00 finding: 4 minutes left") in (13, 14)
    assert len(lines) == 1 + 30 + 1


def test_csv_has_every_point_exactly(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes as whole numbers, times as ISO and epoch."""
    rows = list(csv.DictReader(io.StringIO(shown(capsys, "api", "--state-dir", state, "--csv", *SPAN))))
    assert len(rows) == 60
    assert rows[7] == {
        "time": "2027-01-15T00:01:10.000+00:00",
        "wall_seconds": str(BEGIN_WALL_SECONDS + 70),
        "last": str(107 * MIB),
        "low": str(107 * MIB),
        "high": str(107 * MIB),
        "limit": str(2000 * MIB),
    }


def test_json_has_every_point_and_what_happened(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One document with a version."""
    document = json.loads(shown(capsys, "api", "--state-dir", state, "--json", *SPAN))
    assert document["version"] == 1
    assert document["target"]["name"] == "api.service"
    assert [point["last"] for point in document["points"]] == [(100 + index) * MIB for index in range(60)]
    assert [mark["words"] for mark in document["marks"]] == ["4 minutes left"]


def test_the_plot_has_a_title_a_curve_and_its_times(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain characters without colour, at most 80 wide when nobody looks."""
    lines = shown(capsys, "api", "--state-dir", state, "--plot", *SPAN).splitlines()
    assert lines[0] == "api.service: used 159Mi, highest 159Mi, limit 2.0Gi"
    assert lines[-2].split() == ["00:00:00", "00:09:50"]
    assert lines[-1] == "00:04:00 finding: 4 minutes left"
    assert max(map(len, lines)) <= 80
    assert any("⠤" <= sign <= "⣿" for line in lines for sign in line)


def test_a_metric_without_a_limit_has_no_such_column(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A share is printed as one."""
    lines = shown(capsys, "host", "--metric", "pressure", "--state-dir", state, *SPAN).splitlines()
    assert lines[0].split() == ["TIME", "PRESSURE", "LOWEST", "HIGHEST"]
    assert lines[1].split()[1:] == ["0%", "0%", "0%"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nosuch"], 5, "was not seen"),
        (["api", "--metric", "heat"], 2, "is not known"),
        (["api", "--since", "soon"], 2, "cannot be read"),
        (["api", "--json", "--csv"], 2, "--json"),
        (["api", "--csv", "--plot"], 2, "not allowed with"),
        ([], 2, "TARGET"),
    ],
)
def test_a_mistake_is_one_line_with_a_hint(
    state: str, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    """On stderr, with the exit code for its kind."""
    since = [] if "--since" in words else SPAN
    assert main(["history", *words, "--state-dir", state, *since]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert told in output.err
    assert output.err.count("\n") == 1


def test_a_store_that_is_not_there_is_told_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The person is told what to start."""
    assert main(["history", "api", "--state-dir", str(tmp_path / "none")]) == 5
    assert "forestall agent" in capsys.readouterr().err


def test_a_damaged_file_is_told_on_stderr_and_the_rest_is_shown(
    state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words do not get into the data."""
    for file in Path(state).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "recent-20270115T01.db").write_bytes(b"no database" * 500)
    assert main(["history", "api", "--csv", "--state-dir", str(tmp_path), *SPAN]) == 0
    output = capsys.readouterr()
    assert "recent-20270115T01.db" in output.err
    assert output.out.startswith("time,")


def test_the_command_is_listed_with_its_own_words() -> None:
    """The overview loads no command, so the words stand twice."""
    assert (command.NAME, command.HELP) in COMMANDS


def test_yesterday_as_sar_counts_is_an_option_value(capsys: pytest.CaptureFixture[str], state: str) -> None:
    """`--since -1` is not taken for an option."""
    assert main(["history", "api", "--since", "-1", "--state-dir", state]) == 5
    assert "was not seen" in capsys.readouterr().err
