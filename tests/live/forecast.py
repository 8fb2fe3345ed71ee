"""How good the forecast is: a guarded process, and an unguarded twin that shows when the limit is met."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

STORYTELLER: Final = str(Path(__file__).with_name("storyteller.py"))


class Forecast(NamedTuple):
    """Seconds since the start: when the twin met the limit, when the first warning came, what was said half way."""

    truth_seconds: float
    warned_at_seconds: float | None
    half_way_left_seconds: float | None
    kernel_kills: int

    @property
    def warned_before_seconds(self) -> float:
        """How long before the limit the first warning came; 0 without one."""
        return 0.0 if self.warned_at_seconds is None else self.truth_seconds - self.warned_at_seconds

    @property
    def half_way_error_ratio(self) -> float:
        """How far the time to limit was off half way; 1 when none was said."""
        half = self.truth_seconds / 2
        return 1.0 if self.half_way_left_seconds is None else abs(self.half_way_left_seconds - half) / half


def start(directory: Path, mebibytes: int, *program: str) -> list[subprocess.Popen[str]]:
    """Start the guarded process and its twin at the same time."""
    pair = []
    for guarded in ("yes", "no"):
        words = [sys.executable, STORYTELLER, str(directory / guarded), str(mebibytes), guarded, *program]
        pair.append(subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True))
    return pair


def finish(pair: list[subprocess.Popen[str]], seconds: float) -> Forecast:
    """Wait for both and compare what was said with what was true."""
    stories = [_story(process, seconds) for process in pair]
    guarded, twin = stories
    truth = twin[-1]["t"]
    assert twin[-1]["kernel_kills"] == 1, f"the twin did not meet its limit: {twin[-1]}"
    warned = next((one["t"] for one in guarded if one["k"] == "finding"), None)
    stands = [one for one in guarded if one["k"] == "stand" and one["left"] is not None]
    half = min(stands, key=lambda one: abs(one["t"] - truth / 2), default=None)
    left = None
    if half is not None and abs(half["t"] - truth / 2) < 5.0:
        left = half["left"] - (truth / 2 - half["t"])
    return Forecast(truth, warned, left, guarded[-1]["kernel_kills"])


def _story(process: subprocess.Popen[str], seconds: float) -> list[dict[str, Any]]:
    output, _ = process.communicate(timeout=seconds)
    return [json.loads(line) for line in output.splitlines()]
