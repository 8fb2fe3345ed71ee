"""`forestall capture TARGET`: a target as people name it, the evidence on stdout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.model.capture import Capture, Piece
from forestall.store.disk import Store
from forestall.ui.cli import main
from tests.support.frames import MIB, reading
from tests.support.processes import HEEDS_TERM, python, started
from tests.support.scratch import ScratchCgroup


@pytest.mark.live
def test_a_cgroup_by_its_path(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup], capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON with a version and as text with headings, both with the same pieces."""
    group = scratch_cgroup(64 * 2**20)
    words = ["sh", "-c", f'echo $$ >{group.directory}/cgroup.procs; exec "$@"', "sh", *python(HEEDS_TERM)]
    with started(words) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert main.main(["capture", "--state-dir", str(tmp_path), "--json", group.path]) == 0
        told = json.loads(capsys.readouterr().out)
        assert main.main(["capture", "--state-dir", str(tmp_path), group.path]) == 0
        text = capsys.readouterr().out
    names = [piece["name"] for piece in told["pieces"]]
    assert told["version"] == 1
    assert {"memory.stat", "top", f"smaps_rollup {process.pid}"} <= set(names)
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == names
    assert text.startswith("# ")
    assert list(tmp_path.iterdir()) == []


def test_the_host_is_a_target_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a cgroup of its own: pressure, meminfo and load."""
    assert main.main(["capture", "--state-dir", str(tmp_path), "host", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["target"]["kind"] == "host"
    assert told["value_bytes"] > 0
    assert "meminfo" in {piece["name"] for piece in told["pieces"]}


def test_an_unknown_target_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that nothing has is one line and no capture."""
    assert main.main(["capture", "--state-dir", str(tmp_path), "no-such-service-anywhere"]) != 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no-such-service-anywhere" in captured.err


def test_kept_captures_are_listed_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--list is a table or JSON without the pieces' texts; --show prints one as a fresh one is printed."""
    store = Store(str(tmp_path / "run" / "7-1"))
    target = reading("api.service").target
    store.capture(Capture("b00t-5", target, 5.0, 1_800_000_000.0, "used 93%", 64 * MIB, False, (Piece("top", "x"),)))
    store.close()
    words = ["capture", "--state-dir", str(tmp_path)]
    assert main.main([*words, "--list"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["TIME", "TARGET", "USED", "KIND", "ID", "WHY"]
    assert line.split()[2:] == ["api.service", "64", "MiB", "full", "b00t-5", "used", "93%"]
    assert main.main([*words, "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["captures"][0]["pieces"] == ["top"]
    assert main.main([*words, "--show", "b00"]) == 0
    assert capsys.readouterr().out == "# unit api.service: 64 MiB used\n\n## top\nx\n"
    assert main.main([*words, "--show", "other"]) == 5
    assert main.main(words) == 2
