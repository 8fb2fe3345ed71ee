"""The long forecast runs beside all other tests: it starts with the session, and its test waits for the rest of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.live import forecast
from tests.support.scratch import memory_mount

LEAK = ("growing_saw_tooth", "100", "1.9", "0.3", "5")
LIMIT_MIB = 512
STARTED = pytest.StashKey[tuple[Path, list[subprocess.Popen[str]]]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the guarded process and its twin when their test is going to run, and can."""
    wanted = any(item.name.startswith("test_a_leak_under_a_saw_tooth") for item in session.items)
    if wanted and not session.config.option.collectonly and os.geteuid() == 0 and memory_mount() is not None:
        directory = Path(tempfile.mkdtemp(prefix="forestall-forecast-"))
        session.config.stash[STARTED] = directory, forecast.start(directory, LIMIT_MIB, *LEAK)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what is left of it, as Ctrl-C would: the run cleans up after itself."""
    directory, pair = session.config.stash.get(STARTED, (None, []))
    for process in pair:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def leaking_pair(live: str, pytestconfig: pytest.Config) -> list[subprocess.Popen[str]]:
    """The two processes, started with the session."""
    return pytestconfig.stash[STARTED][1]
