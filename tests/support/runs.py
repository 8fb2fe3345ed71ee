"""Runs of `forestall run` in a state directory of their own, and what they may leave behind: nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.processes import forestall, mentioning, wait_until

MEMORY = Path("/sys/fs/cgroup/memory")


def run_words(state: Path, *words: str, memory: str = "64M") -> list[str]:
    """The command line of a run that keeps its files below `state`."""
    return forestall("run", "--state-dir", state, "--memory", memory, *words)


def carry_out(state: Path, *words: str, memory: str = "64M", **settings: Any) -> subprocess.CompletedProcess[str]:
    """A run from start to end, with what it said."""
    return subprocess.run(
        run_words(state, *words, memory=memory), capture_output=True, text=True, timeout=40, check=False, **settings
    )


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The object at the end of a run with --json."""
    last: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return last


def run_cgroups(state: Path) -> list[Path]:
    """The cgroups that the runs of this state directory have now; others' runs are none of ours."""
    ids = {path.name for place in ("run", "run/run") for path in (state / place).glob("*-*")}
    return [group for name in sorted(ids) if (group := MEMORY / f"forestall-run-{name}").is_dir()]


def runtime_files(state: Path) -> list[str]:
    """What lies in the runtime directories of runs."""
    return sorted(str(path.relative_to(state)) for path in (state / "run" / "run").glob("*/**/*"))


def nothing_left(state: Path, mark: str) -> None:
    """No process that mentions `mark`, no cgroup of a run, no runtime files."""
    wait_until(lambda: not mentioning(mark), 8.0)
    wait_until(lambda: run_cgroups(state) == [], 5.0)
    wait_until(lambda: runtime_files(state) == [], 5.0)


def record(state: Path) -> dict[str, Any]:
    """The record of the one run that is under way."""
    found: dict[str, Any] = {}

    def written() -> bool:
        for path in (state / "run" / "run").glob("*/record"):
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["guard_pid"]:
                found.update(content)
        return bool(found)

    wait_until(written)
    return found
