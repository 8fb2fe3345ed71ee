"""The agent from its configuration to its end: one per directories, and nothing of it left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from forestall.model.errors import Misuse
from forestall.operations.agent import mission, read_config
from forestall.operations.look import recorded_now
from forestall.query.places import Places
from tests.support.agents import agent
from tests.support.processes import descendants, forestall, gone, state, wait_until

END_SECONDS_MAX = 8.0


@pytest.mark.live
def test_it_ends_on_sigterm_with_all_its_children(live: str, tmp_path: Path) -> None:
    """Within 8 s no process is left and `now` is gone; the store is readable and was written."""
    with agent(tmp_path / "s") as one:
        family = [one.process.pid, *descendants(one.process.pid)]
        assert len(family) >= 3
        assert recorded_now(Places(str(tmp_path / "s"), str(tmp_path / "s/run"))) is not None
        began = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(END_SECONDS_MAX) == 0
        wait_until(lambda: all(gone(pid) for pid in family), END_SECONDS_MAX - (time.monotonic() - began))
    assert not (tmp_path / "s/run/now").exists()
    assert recorded_now(Places(str(tmp_path / "s"), str(tmp_path / "s/run"))) is None
    assert list((tmp_path / "s").glob("*.db"))
    assert "Traceback" not in (tmp_path / "s/stderr").read_text(encoding="utf-8")


@pytest.mark.live
def test_it_ends_even_when_its_recorder_is_stopped(live: str, tmp_path: Path) -> None:
    """A recorder that hangs is killed at the end; the agent keeps to its time."""
    with agent(tmp_path / "s") as one:
        family = descendants(one.process.pid)
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(END_SECONDS_MAX) == 0
        wait_until(lambda: all(gone(pid) for pid in family), 2.0)


@pytest.mark.live
def test_its_children_end_when_it_is_killed(live: str, tmp_path: Path) -> None:
    """kill -9 of the guard: recorder and hands notice and go by themselves."""
    with agent(tmp_path / "s") as one:
        family = descendants(one.process.pid)
        one.process.kill()
        one.process.wait()
        wait_until(lambda: all(gone(pid) for pid in family), 5.0)


@pytest.mark.live
def test_a_second_agent_with_the_same_directories_refuses(live: str, tmp_path: Path) -> None:
    """It says why in one line, ends with 4, and the first goes on undisturbed."""
    with agent(tmp_path / "s") as one:
        words = forestall("agent", "--state-dir", tmp_path / "s", "--config", tmp_path / "s/forestall.toml")
        second = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 4
        assert "another" in second.stderr or "no other agent" in second.stderr
        assert len(second.stderr.splitlines()) == 1
        assert one.process.poll() is None
        assert (tmp_path / "s/run/now").exists()


@pytest.mark.live
def test_killed_recorders_come_back(live: str, tmp_path: Path) -> None:
    """kill -9 of the recorder: another writes `now` again, on the same store."""
    with agent(tmp_path / "s") as one:
        now = tmp_path / "s/run/now"
        first = now.stat().st_mtime_ns
        for pid in descendants(one.process.pid):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: now.stat().st_mtime_ns > first + 1_500_000_000, 10.0)
        assert state(one.process.pid) in "RSD"


@pytest.mark.live
def test_it_starts_on_the_leavings_of_dead_runs(live: str, tmp_path: Path) -> None:
    """A runtime directory of a run whose owner is dead is gone after the agent's start."""
    place = tmp_path / "s/run/run/1-2"
    place.mkdir(parents=True)
    (place / "record").write_text(
        '{"owner_pid": 1, "owner_start_ticks": 99, "guard_pid": 0, "guard_start_ticks": 0, "boot_id": "other",'
        ' "cgroup_path": "/forestall-run-1-2", "cgroup_inode": 5}',
        encoding="ascii",
    )
    with agent(tmp_path / "s"):
        assert not place.exists()


def test_what_cannot_be_acted_on_yet_is_refused(tmp_path: Path) -> None:
    """A policy with steps on processes or runs is a mistake of the configuration, exit code 3; watching is not."""
    file = tmp_path / "forestall.toml"
    text = '[[service]]\nmatch = "process:java"\n'
    file.write_text(text, encoding="utf-8")
    assert read_config(str(file), {}).services[0].match == "process:java"
    file.write_text(text + '[[service.step]]\nwhen = "used > 80% of limit"\ndo = ["terminate"]\n', encoding="utf-8")
    with pytest.raises(Misuse) as raised:
        read_config(str(file), {})
    assert raised.value.exit_code == 3


def test_directories_are_made_and_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative directories become absolute, because the guard does not share our working directory for ever."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.toml").write_text("", encoding="utf-8")
    told = mission(read_config("c.toml", {}), Places("state", "state/run"))
    assert (told.state_directory, told.runtime_directory) == (f"{tmp_path}/state", f"{tmp_path}/state/run")
    assert (tmp_path / "state/run").is_dir()
