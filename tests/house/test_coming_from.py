"""docs/coming-from.md: every row's forestall command is run, in a form that ends, and must succeed."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.support.tree import TREE

PAGE = TREE / "docs" / "coming-from.md"
RECORDING_SECONDS_MAX = 20
COMMAND_SECONDS_MAX = 100
READS_THE_STORE = ("history",)


def rows() -> list[tuple[str, bool]]:
    """Each row of the table: the forestall command, and whether it needs root."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 6 and cells[2].startswith("`forestall "):
            found.append((cells[2].strip("`"), cells[3] == "root"))
    return found


def cases() -> list[ParameterSet]:
    """Rows as test cases; those that need root carry the live mark."""
    marks = {True: [pytest.mark.live], False: []}
    return [pytest.param(command, id=command, marks=marks[needs_root]) for command, needs_root in rows()]


def that_ends(command: str) -> list[str]:
    """The command's words, with a bound on its looks where it would go on until Ctrl-C."""
    name, *words = shlex.split(command)[1:]
    if "--watch" not in words:
        return [name, *words]
    return [name, *(word for word in words if word != "--watch"), "-s", "0.1", "-c", "2"]


def forestall(*words: str) -> list[str]:
    """The command line that runs forestall out of this tree."""
    return [sys.executable, "-m", "forestall", *words]


def environment() -> dict[str, str]:
    """The environment of a command: this tree's source, no colour."""
    return os.environ | {"PYTHONPATH": str(TREE / "src"), "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory in which an agent has recorded this machine for a moment and was then stopped."""
    state = tmp_path_factory.mktemp("state")
    agent = subprocess.Popen(
        forestall("agent", "--state-dir", str(state)), env=environment(), stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + RECORDING_SECONDS_MAX
    while time.monotonic() < until and agent.poll() is None and not list(state.glob("*.db")):
        time.sleep(0.1)
    time.sleep(1)  # a second frame, so that there is something to draw a line through
    agent.send_signal(signal.SIGTERM)
    _, words = agent.communicate(timeout=RECORDING_SECONDS_MAX)
    assert list(state.rglob("*.db")), f"the agent recorded nothing: {words}"
    return state


def test_the_table_is_read() -> None:
    """The page has rows of both sorts, and every one that looks like a row is understood."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(lines) == len(rows()) >= 15
    assert {needs_root for _, needs_root in rows()} == {True, False}


@pytest.mark.slow
@pytest.mark.parametrize("command", cases())
def test_each_row_runs(command: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The command of the row succeeds and prints something, as the page promises."""
    words = that_ends(command)
    if request.node.get_closest_marker("live"):
        request.getfixturevalue("live")
    state = request.getfixturevalue("recorded") if words[0] in READS_THE_STORE else tmp_path
    at = words.index("--") if "--" in words else len(words)
    done = subprocess.run(
        forestall(*words[:at], "--state-dir", str(state), *words[at:]),
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr
