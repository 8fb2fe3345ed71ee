"""`forestall demo`: both halves of the proof on the real kernel, and the story in words."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from forestall.operations.demo import Result
from forestall.ui.cli.demo import Tale, _ending
from tests.support.processes import forestall
from tests.support.runs import run_cgroups
from tests.ui.cli.test_run import REPORT

MIB = 2**20


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, True])
def test_both_halves(live: str, tmp_path: Path, alone: bool) -> None:
    """Guarded: no kernel kill, a warning, captures, one restart. Alone: the kernel kills. Side by side."""
    words = forestall("demo", "--json", "--state-dir", tmp_path, *(["--no-guard"] if alone else []))
    done = subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert set(told) == set(Result._fields)
    assert run_cgroups(tmp_path) == []
    if alone:
        assert told["kernel_kills"] >= 1
        return
    assert (told["kernel_kills"], told["restarts"]) == (0, 1)
    assert told["captures"] >= 1
    assert told["warned_seconds_before_limit"] > 2.0
    assert 0.5 < told["peak_ratio"] <= 1.0


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
    alone = _ending(Result(1, None, 0, 0, 1.0), REPORT._replace(exit_code=137), guarded=False)
    assert alone == "the kernel killed it (1 kill counted); exit code 137; highest use 100% of the limit"
