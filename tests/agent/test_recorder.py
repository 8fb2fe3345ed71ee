"""The recorder: publishes, keeps, captures and tells; what the guard says is acknowledged, whatever comes of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forestall.agent.lines import Inlet, Outlet
from forestall.agent.livestate import LiveState
from forestall.agent.recorder import Recording, work
from forestall.config.schema import AgentSettings, Config, Plugged
from forestall.model.action import DONE, Deed, Outcome
from forestall.model.capture import Capture, Piece
from forestall.model.finding import Finding, Severity
from forestall.model.plain import plain
from forestall.model.target import CGROUP, Target, cgroup_identity
from forestall.query import now as nows
from forestall.store.reader import Reader
from tests.support.frames import MOMENT
from tests.support.processes import descriptors_given_back, into, python
from tests.support.scratch import ScratchCgroup

pytestmark = pytest.mark.live

MIB = 2**20
TARGET = Target(CGROUP, "/api#7", "/api", "/api")
FINDING = Finding("step", TARGET, Severity.CRITICAL, "used 94% of limit", (), 90.0, 1.0, "cgroup:/api", 0)


class Desk:
    """A recording in this process with the guard's ends of its pipes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        config = Config(AgentSettings(10.0, 1.0), notify=(Plugged("file", (("path", str(directory / "n")),)),))
        (directory / "run").mkdir(parents=True, exist_ok=True)
        self.recording = Recording(config, str(directory), str(directory / "run"), "/proc")
        reading, writing = os.pipe()
        self.outlet, self.inlet = Outlet(writing), Inlet(reading)

    def say(self, **message: Any) -> list[dict[str, Any]]:
        """One message of the guard; what comes back."""
        self.recording.hear({"n": 5, **message}, self.outlet)
        return self.inlet.receive()

    def told(self) -> str:
        """All notices so far."""
        path = self.directory / "n"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def events(self) -> list[str]:
        """Kinds of the events in the store, once it is closed."""
        self.recording.close()
        return [event.kind for event in Reader(str(self.directory)).events(0.0, 1e11)]

    def now(self) -> nows.Now:
        """What it has published."""
        return nows.decode((self.directory / "run" / "now").read_bytes())


@pytest.fixture
def desk(live: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk of the real host."""
    with descriptors_given_back():
        one = Desk(tmp_path / "s")
        yield one
        one.recording.close()


def test_a_pass_is_published_whole(desk: Desk) -> None:
    """The newest frame with the agent's health lies in `now`; the pace is the configured one without a risk."""
    desk.recording.tick()
    seen = desk.now()
    assert seen.health is not None
    assert seen.health.pid == os.getppid()
    assert seen.health.guard_heartbeat_seconds is None
    assert seen.frame.readings
    assert 0.0 < desk.recording.seconds_to_next() <= 10.0


def test_a_target_at_risk_quickens_the_pace(desk: Desk, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Above four fifths of a limit there is a frame every second."""
    group = scratch_cgroup(64 * MIB)
    code = "x = b'x' * (56 << 20)\nprint('up', flush=True)\nimport time; time.sleep(30)"
    process = subprocess.Popen(into(group, python(code)), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    desk.recording.tick()
    assert desk.recording.seconds_to_next() <= 1.0
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_guards_heartbeat_is_shown(desk: Desk) -> None:
    """Its age is part of the agent's health."""
    live = LiveState(str(desk.directory / "run" / "guard"))
    live.write({"heartbeat": {"boottime": 1.0}})
    live.close()
    desk.recording.tick()
    health = desk.now().health
    assert health is not None
    assert health.guard_heartbeat_seconds is not None
    assert health.guard_heartbeat_seconds > 1.0


def test_what_the_guard_says_is_kept_told_and_acknowledged(desk: Desk) -> None:
    """A finding to be told, one not to be, an outcome and a refusal."""
    assert desk.say(k="finding", finding=plain(FINDING), notify=False) == [{"k": "ack", "n": 5}]
    assert desk.told() == ""
    desk.say(k="finding", finding=plain(FINDING), notify=True)
    outcome = Outcome("a-1", TARGET, Deed("terminate"), DONE, "stopped with SIGTERM", 1.0, 0.5)
    desk.say(k="outcome", outcome=plain(outcome), why="used 94% of limit")
    desk.say(k="refusal", target=plain(TARGET), words="it is protected")
    for words in ("/api: used 94% of limit", "terminate: done: stopped with SIGTERM", "it is protected"):
        assert words in desk.told()
    kinds = desk.events()
    assert kinds.count("finding") >= 1
    assert "outcome" in kinds


def test_what_the_guard_had_to_give_up_is_told(desk: Desk) -> None:
    """How many messages were lost is a notice of its own."""
    desk.say(k="lost", count=7)
    assert "7 messages of the guard were given up" in desk.told()


def test_a_minimal_capture_is_taken_over(desk: Desk) -> None:
    """It is read from the live state by its number and kept in the store; of one that is gone people are told."""
    live = LiveState(str(desk.directory / "run" / "guard"))
    capture = Capture(
        "a-1-minimal", TARGET, 1.0, MOMENT.wall_seconds, "why", 5, minimal=True, pieces=(Piece("top", "x"),)
    )
    number = live.keep_capture({"capture": plain(capture)})
    live.close()
    assert desk.say(k="minimal", number=number, target=plain(TARGET)) == [{"k": "ack", "n": 5}]
    assert "lost" not in desk.told()
    assert desk.say(k="minimal", number=99, target=plain(TARGET)) == [{"k": "ack", "n": 5}]
    assert "/api: its minimal capture is lost" in desk.told()
    assert desk.events().count("capture") == 1


def test_a_full_capture_is_taken_and_told(desk: Desk, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """The guard learns that it is done, so that it need not wait any longer."""
    group = scratch_cgroup(64 * MIB)
    target = Target(CGROUP, cgroup_identity(group.path, os.stat(group.directory).st_ino), group.path, group.path)
    said = desk.say(k="capture", action="a-1", target=plain(target), why="used 94% of limit", arguments=[])
    assert [message["k"] for message in said] == ["captured", "ack"]
    assert said[0]["action"] == "a-1"
    assert said[0]["pieces"] > 5
    assert "capture" in desk.events()


@pytest.mark.parametrize(
    "message",
    [
        {"k": "finding", "finding": {"rule": 5}},
        {"k": "outcome", "outcome": None},
        {"k": "capture", "target": {}},
        {"k": "refusal", "target": [], "words": "x"},
        {"k": "minimal", "number": 1},
        {"k": "what is this"},
        {},
    ],
)
def test_a_message_that_makes_no_sense_is_acknowledged(desk: Desk, message: dict[str, Any]) -> None:
    """Nonsense is counted and answered; the recorder lives on."""
    assert desk.say(**message) == [{"k": "ack", "n": 5}]
    desk.recording.tick()


def test_a_directory_that_goes_away_is_said_once(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    """A runtime directory that cannot be written costs frames, not the recorder."""
    (desk.directory / "run").rmdir()
    desk.recording.tick()
    desk.recording.tick()
    said = [line for line in capfd.readouterr().err.splitlines() if "now" in line]
    assert len(said) == 1


@pytest.mark.parametrize("alone", [False, True])
def test_the_recorder_of_a_run_tells_of_the_run_alone(
    desk: Desk, scratch_cgroup: Callable[..., ScratchCgroup], alone: bool
) -> None:
    """A kernel kill in another cgroup is told by an agent, and not to whoever runs one command."""
    group = scratch_cgroup(32 * MIB)
    if alone:
        desk.recording.tell_only_of("/forestall-run-1-2")
    desk.recording.tick()
    subprocess.run(into(group, python("x = b'x' * (60 << 20)")), check=False)
    assert group.kernel_kills() == 1
    desk.recording.tick()
    assert (group.path in desk.told()) is not alone


def test_a_kill_whose_cgroup_has_gone_is_told_of(desk: Desk, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """systemd removes a unit's cgroup with its last process: the log alone still knows where the victim was."""
    desk.recording.tick()
    group = scratch_cgroup(32 * MIB)
    subprocess.run(into(group, python("x = b'x' * (60 << 20)")), check=False)
    group.remove()
    desk.recording.tick()
    assert f"{group.path}: the kernel killed " in desk.told()


def test_it_ends_when_the_guards_pipe_closes(live: str, tmp_path: Path) -> None:
    """The guard's end is its end: the store is closed and readable by others."""
    (tmp_path / "run").mkdir()
    there_reading, here_writing = os.pipe()
    here_reading, there_writing = os.pipe()
    guard, heard = Outlet(here_writing), Inlet(here_reading)
    guard.send({"k": "finding", "finding": plain(FINDING), "notify": False, "n": 1})
    guard.close()
    inlet, outlet = Inlet(there_reading), Outlet(there_writing)
    assert work(Config(notify=()), str(tmp_path), str(tmp_path / "run"), "/proc", inlet, outlet) == 0
    assert heard.receive() == [{"k": "ack", "n": 1}]
    for end in (heard, inlet, outlet):
        end.close()
    assert "finding" in [event.kind for event in Reader(str(tmp_path)).events(0.0, 1e11)]


def test_a_second_recorder_does_not_tell_old_kills_twice(live: str, tmp_path: Path) -> None:
    """The kernel log is read from its beginning at each start; a kill that the store knows is kept once."""
    counts = []
    for _ in range(2):
        with descriptors_given_back():
            desk = Desk(tmp_path / "s")
            desk.recording.tick()
            counts.append(desk.events().count("kill"))
    assert counts[0] == counts[1]
