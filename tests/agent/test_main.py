"""The guard's process: its exit codes, its signals, and that it is alone. Its work is tried in test_guard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forestall.agent.livestate import read_state
from forestall.agent.mission import MISSION_BYTES_MAX, Mission
from forestall.config.encode import encode
from forestall.config.schema import Config
from forestall.operations.guarding import start_guard
from forestall.system.process import Held
from tests.support.processes import gone, wait_until

pytestmark = pytest.mark.live


def start(directory: Path) -> Held:
    """A guard without policies and without a recorder."""
    return start_guard(Mission(encode(Config()), str(directory), str(directory / "run"), record=False))


def end(guard: Held, number: int) -> int:
    """Signal it and return its exit code."""
    guard.signal(number)
    wait_until(lambda: gone(guard.pid), 5.0)
    guard.close()
    return os.waitstatus_to_exitcode(os.waitpid(guard.pid, 0)[1])


@pytest.mark.parametrize("number", [15, 2])
def test_it_ends_well_on_term_and_interrupt(live: str, tmp_path: Path, number: int) -> None:
    """Exit code 0; the live state stays for whoever comes next, with a heartbeat of this boot."""
    guard = start(tmp_path)
    wait_until(lambda: (tmp_path / "run/guard").exists() and read_state(str(tmp_path / "run/guard")) is not None)
    assert end(guard, number) == 0
    found = read_state(str(tmp_path / "run/guard"))
    assert found is not None
    assert found[1]["heartbeat"]["boottime"] > 0


def test_a_hang_up_does_not_end_it(live: str, tmp_path: Path) -> None:
    """The terminal that started an agent may go away."""
    guard = start(tmp_path)
    wait_until(lambda: (tmp_path / "run/guard").exists() and read_state(str(tmp_path / "run/guard")) is not None)
    guard.signal(1)
    guard.signal(13)
    assert guard.alive()
    assert end(guard, 15) == 0


def test_the_second_of_two_refuses(live: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two guards on one runtime directory: the later one says why and ends with 4."""
    first = start(tmp_path)
    wait_until(lambda: (tmp_path / "run/guard").exists() and read_state(str(tmp_path / "run/guard")) is not None)
    second = start(tmp_path)
    assert os.waitstatus_to_exitcode(os.waitpid(second.pid, 0)[1]) == 4
    second.close()
    assert "no other agent" in capfd.readouterr().err
    assert end(first, 15) == 0


def test_a_mission_without_end_is_cut_and_refused(live: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """More than a mission may have is not read on for ever."""
    mission = Mission(encode(Config()), "x" * (MISSION_BYTES_MAX + 100_000), str(tmp_path), record=False)
    guard = start_guard(mission)
    assert os.waitstatus_to_exitcode(os.waitpid(guard.pid, 0)[1]) == 4
    guard.close()
    assert "mission" in capfd.readouterr().err
