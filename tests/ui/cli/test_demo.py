"""`forestall demo`: both halves of the proof on the real kernel, and the story in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forestall.operations.demo import Result
from forestall.ui.cli.demo import Tale, _ending
from tests.support.processes import forestall, started
from tests.support.runs import run_cgroups
from tests.ui.cli.test_run import REPORT

MIB = 2**20


@pytest.mark.live
@pytest.mark.slow
def test_both_halves(live: str, tmp_path: Path) -> None:
    """Side by side: guarded no kernel kill, a warning, captures and one restart; alone the kernel kills."""
    states = (tmp_path / "guarded", tmp_path / "alone")
    words = [forestall("demo", "--json", "--state-dir", state) for state in states]
    with started(words[0]) as guarded, started([*words[1], "--no-guard"]) as alone:
        told = [json.loads(process.communicate(timeout=90)[0]) for process in (guarded, alone)]
        assert (guarded.returncode, alone.returncode) == (0, 0)
    assert set(told[0]) == set(told[1]) == set(Result._fields)
    assert (told[0]["kernel_kills"], told[0]["restarts"]) == (0, 1)
    assert told[0]["captures"] >= 1
    assert told[0]["warned_seconds_before_limit"] > 2.0
    assert 0.5 < told[0]["peak_ratio"] <= 1.0
    assert told[1]["kernel_kills"] >= 1
    assert [group for state in states for group in run_cgroups(state)] == []


def stand(at: float, **fields: Any) -> dict[str, Any]:
    """How the target stands."""
    usual = {"used": 64 * MIB, "limit": 256 * MIB, "left": None, "confidence": 0.5, "shape": "warming"}
    return {"k": "stand", "at": at, **usual, **fields}


def test_the_tale_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar once a second, then the finding, the captures, the stop and the restart."""
    tale = Tale(silent=False)
    finding = {"rule": "step", "summary": "used 93% of limit"}
    for message in (
        stand(10.0),
        stand(10.5),
        stand(11.2, left=8.0, used=128 * MIB),
        {"k": "finding", "notify": False, "finding": finding},
        {"k": "finding", "notify": True, "finding": finding},
        {"k": "minimal"},
        {"k": "captured", "pieces": 14},
        {"k": "outcome", "outcome": {"deed": {"verb": "notify"}, "words": "told"}},
        {"k": "outcome", "outcome": {"deed": {"verb": "terminate"}, "words": "stopped with SIGTERM"}},
        {"k": "again"},
        stand(20.0),
    ):
        tale.hear(message)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "    0s [########......................] 64 MiB (25%) warming",
        "    1s [###############...............] 128 MiB (50%) limit in 8s, 50% sure",
        "  ! used 93% of limit",
        "  + minimal capture kept in memory, before anything is stopped",
        "  + captured: 14 pieces of evidence (cgroup files, top processes, smaps, pressure)",
        "  > stopped with SIGTERM",
        "  > started again, with a new memory of its own",
        "    0s [########......................] 64 MiB (25%) warming",
    ]


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json nothing is said along the way."""
    tale = Tale(silent=True)
    tale.say("x")
    tale.hear(stand(1.0))
    assert capsys.readouterr().out == ""


def test_the_ending_says_what_the_kernel_counted() -> None:
    """Kills, warning, captures, restarts and the highest use, for both halves."""
    good = _ending(Result(0, 12.5, 2, 1, 0.93), REPORT, guarded=True)
    assert good == "no kernel kill, warned 12s before the limit, 2 captures, 1 restart; highest use 93% of the limit"
    assert "2 kernel kills, no warning" in _ending(Result(2, None, 0, 0, 1.0), REPORT, guarded=True)
    assert "1 capture, 0 restarts; " in _ending(Result(1, None, 1, 0, 1.0), REPORT, guarded=True)
    alone = _ending(Result(1, None, 0, 0, 1.0), REPORT._replace(exit_code=137), guarded=False)
    assert alone == "the kernel killed it (1 kill counted); exit code 137; highest use 100% of the limit"
