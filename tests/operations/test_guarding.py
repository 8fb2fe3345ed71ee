"""How a guard is started: a lean interpreter of its own with its mission, and nothing else, on descriptors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forestall.agent.lines import Inlet, Outlet
from forestall.agent.mission import Mission, Run
from forestall.config.encode import encode
from forestall.config.schema import Config
from forestall.operations.guarding import start_guard
from forestall.operations.ladder import run_policy
from tests.support.processes import gone, wait_until

HEAVY = ("argparse", "tomllib", "dataclasses", "sqlite3", "subprocess", "socket", "http", "asyncio", "site-packages")


def mission(directory: Path, **fields: object) -> Mission:
    """A mission without policies, which nevertheless guards."""
    return Mission(encode(Config()), str(directory), str(directory / "run"), record=False)._replace(**fields)  # type: ignore[arg-type]


@pytest.mark.live
def test_a_guard_is_lean_and_in_a_session_of_its_own(live: str, tmp_path: Path) -> None:
    """No heavy module is mapped, no descriptor of ours is open in it, and Ctrl-C at our terminal does not reach it."""
    stranger = os.open("/proc/self/stat", os.O_RDONLY)
    os.set_inheritable(stranger, False)
    guard = start_guard(mission(tmp_path))
    try:
        wait_until((tmp_path / "run/guard").exists)
        assert os.getsid(guard.pid) == guard.pid
        maps = Path(f"/proc/{guard.pid}/maps").read_text(encoding="utf-8")
        assert not [name for name in HEAVY if f"/{name}" in maps or f"_{name}" in maps]
        links = [os.readlink(f"/proc/{guard.pid}/fd/{name}") for name in os.listdir(f"/proc/{guard.pid}/fd")]
        assert not [link for link in links if "mission" in link or (link.endswith("/stat") and "self" in link)]
    finally:
        os.close(stranger)
        guard.signal(15)
        wait_until(lambda: gone(guard.pid))
        assert os.waitstatus_to_exitcode(os.waitpid(guard.pid, 0)[1]) == 0
        guard.close()


@pytest.mark.live
def test_a_mission_that_is_nonsense_ends_with_a_sentence(
    live: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A configuration that the guard cannot read is one line on standard error and exit code 4."""
    guard = start_guard(mission(tmp_path, config={"version": 99}))
    assert os.waitstatus_to_exitcode(os.waitpid(guard.pid, 0)[1]) == 4
    guard.close()
    said = capfd.readouterr().err
    assert said.startswith("forestall: guard: configuration")
    assert len(said.splitlines()) == 1


@pytest.mark.live
def test_the_owners_pipes_reach_it(live: str, tmp_path: Path) -> None:
    """The story comes on one pipe; when the other closes without a farewell the guard ends by itself."""
    report_reading, report_writing = os.pipe2(os.O_CLOEXEC)
    control_reading, control_writing = os.pipe2(os.O_CLOEXEC)
    config = encode(Config(services=(run_policy(1.0),)))
    run = Run("x-1", "", 0, 64 * 2**20, "x")
    order = mission(
        tmp_path, config=config, report_fd=report_writing, control_fd=control_reading, owner_pid=os.getpid(), run=run
    )
    sleeper = os.fork()
    if sleeper == 0:
        os.execvp("sleep", ["sleep", "30"])
    guard = start_guard(order._replace(owner_pid=sleeper))
    os.close(report_writing)
    os.close(control_reading)
    story, control = Inlet(report_reading), Outlet(control_writing)
    heard: list[str] = []

    def told() -> bool:
        heard.extend(message["k"] for message in story.receive())
        return "stand" in heard

    wait_until(told)
    assert heard[0] == "ready"
    control.close()
    assert os.waitstatus_to_exitcode(os.waitpid(guard.pid, 0)[1]) == 0
    guard.close()
    story.close()
    assert not (tmp_path / "run").exists()
    os.kill(sleeper, 9)
    os.waitpid(sleeper, 0)
