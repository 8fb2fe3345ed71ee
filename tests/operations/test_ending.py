"""The end of a run: nothing of the command is left, and only the newest evidence."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from forestall.operations.ending import RUNS_KEPT, end_members, forget_old_runs
from tests.support.processes import IGNORES_TERM, gone, python


def test_the_newest_runs_are_kept(tmp_path: Path) -> None:
    """What is older by the time in its name goes, with everything in it; a directory that is missing is fine."""
    for moment in range(100, 100 + RUNS_KEPT + 3):
        (tmp_path / f"{999 - moment}-{moment}").mkdir()
        (tmp_path / f"{999 - moment}-{moment}" / "episodes.db").touch()
    forget_old_runs(str(tmp_path))
    left = sorted(int(path.name.partition("-")[2]) for path in tmp_path.iterdir())
    assert left == list(range(103, 103 + RUNS_KEPT))
    forget_old_runs(str(tmp_path / "missing"))


@pytest.mark.live
def test_without_a_cgroup_descendants_are_ended(live: str) -> None:
    """Those that ignore SIGTERM too; when it returns, none runs any more."""
    reading, writing = os.pipe()
    owner = os.fork()
    if owner == 0:
        stubborn = os.fork()
        if stubborn == 0:
            os.dup2(writing, 1)
            os.execv(python("")[0], python(IGNORES_TERM))
        os.write(writing, f"{stubborn}\n".encode())
        signal.sigtimedwait((), 1.0)
        end_members(None)
        os._exit(0 if gone(stubborn) else 1)
    os.close(writing)
    stubborn = int(os.read(reading, 64).split()[0])
    assert os.waitstatus_to_exitcode(os.waitpid(owner, 0)[1]) == 0
    assert gone(stubborn)
    os.close(reading)
