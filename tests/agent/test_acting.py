"""Running actions: deed after deed, the world read again before what cannot be undone, and no two on one target."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.agent.acting import Ended, Running
from forestall.agent.hand import Hand
from forestall.agent.watch import Watch
from forestall.model.action import CALLED_OFF, DONE, DRY_RUN, FAILED, REFUSED, Action, Deed
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.frame import Reading
from forestall.model.level import Level
from forestall.model.policy import Policy
from forestall.system.lock import lock_target
from tests.support.frames import MIB, reading
from tests.support.processes import HEEDS_TERM, python, started, wait_until

POLICY = Policy("unit:*", grace_seconds=5.0, restart=("true",), command=("sh", "-c", "exit 3"))


class Eye:
    """A target of one directory and the processes in `pids`."""

    def __init__(self, directory: Path) -> None:
        self.directory = str(directory)
        self.pids: list[int] = []

    def glance(self, _host: Level, _now_seconds: float) -> Reading | None:
        """Not looked at: the surroundings hand readings in."""
        return None

    def members(self) -> list[int]:
        """Those that a test put in."""
        return self.pids

    def belongs(self, pid: int) -> bool:
        """As listed."""
        return pid in self.pids


class Around:
    """The guard as an action sees it: remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.next: Reading | None = reading("api.service", used_bytes=480 * MIB)
        self.until: float | None = None
        self.own: set[int] = set()
        self.hands: list[Hand] = []

    def read_again(self, watch: Watch) -> bool:
        """What the next look brings."""
        self.asked.append("read")
        if self.next is not None:
            watch.see(self.next, 1.0)
        return self.next is not None

    def keep_minimal_capture(self, _watch: Watch, _action: Action) -> None:
        """Remember."""
        self.asked.append("minimal")

    def ask_for_capture(self, _action: Action, _deed: Deed) -> None:
        """Remember."""
        self.asked.append("capture")

    def notify(self, _action: Action) -> None:
        """Remember."""
        self.asked.append("notify")

    def capturing_until(self, _identity: str) -> float | None:
        """As the test says."""
        return self.until

    def take_hand(self) -> Hand:
        """A real one."""
        self.hands.append(Hand())
        return self.hands[-1]

    def ours(self, pid: int) -> bool:
        """As the test says."""
        return pid in self.own


class Stage:
    """An action with everything around it; the clock is the test's."""

    def __init__(self, directory: Path) -> None:
        self.eye = Eye(directory)
        self.around = Around()
        self.now = 100.0

    def action(self, *words: str, dry_run: bool = False, used: float = 480.0 * MIB) -> Running:
        """An action of these deeds, decided at so much use."""
        target = reading("api.service").target
        evidence = (Evidence("used", used, "bytes", "memory.stat"),)
        finding = Finding("step", target, Severity.CRITICAL, "used 94% of limit", evidence, 90.0)
        deeds = tuple(Deed(word) for word in words)
        action = Action("one", target, deeds, finding, "unit:*", 0, dry_run, 5.0, self.now)
        watch = Watch(self.eye, POLICY, self.now)
        watch.see(reading("api.service", used_bytes=480 * MIB), self.now)
        return Running(action, watch, POLICY, self.around, self.now)

    def play(self, running: Running, seconds: float = 10.0) -> list[tuple[str, str, str]]:
        """Drive it to its end: (verb, result, words) of every deed."""
        outcomes: list[tuple[str, str, str]] = []

        def over(ended: Ended) -> bool:
            outcomes.extend((one.deed.verb, one.result, one.words) for one in ended.outcomes)
            return ended.over

        if not over(running.begin(self.now)):
            wait_until(lambda: over(running.step(self.now)), seconds)
        running.close()
        return outcomes


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage whose hands are put away."""
    one = Stage(tmp_path)
    yield one
    for hand in one.around.hands:
        hand.close()


@pytest.fixture
def victim(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    """A process of the target."""
    with started(python(HEEDS_TERM)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        stage.eye.pids = [process.pid]
        yield process


def test_deeds_follow_each_other(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """notify and capture begin at once; the target is read again and the minimal capture kept before the stop."""
    played = stage.play(stage.action("notify", "capture", "terminate", "restart"))
    assert [(verb, result) for verb, result, _ in played] == [
        ("notify", DONE), ("capture", DONE), ("terminate", DONE), ("restart", DONE)
    ]  # fmt: skip
    assert stage.around.asked == ["notify", "capture", "read", "minimal", "read", "minimal"]
    assert victim.wait() == -signal.SIGTERM


def test_a_dry_run_says_and_does_nothing(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """Every deed is a DRY_RUN; no capture is asked for, nobody told, no signal sent, no hand used."""
    played = stage.play(stage.action("notify", "capture", "terminate", "command", "restart", dry_run=True))
    assert {result for _, result, _ in played} == {DRY_RUN}
    assert len(played) == 5
    assert set(stage.around.asked) == {"read"}
    assert stage.around.hands == []
    assert victim.poll() is None


def test_a_reason_that_has_gone_calls_it_off(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """When the share of the limit in use has fallen by more than a twentieth since, nothing is stopped."""
    stage.around.next = reading("api.service", used_bytes=450 * MIB)
    ((verb, result, words),) = stage.play(stage.action("terminate"))
    assert (verb, result) == ("terminate", CALLED_OFF)
    assert words == "it uses 88% of its limit, 94% when this was decided"
    assert victim.poll() is None


def test_a_limit_that_was_raised_calls_it_off(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """The same use of a larger limit is no reason any more."""
    now = reading("api.service", used_bytes=480 * MIB)
    stage.around.next = now._replace(headroom_bytes=1000 * MIB, limit_bytes=1480 * MIB)
    assert stage.play(stage.action("terminate"))[0][1] == CALLED_OFF
    assert victim.poll() is None


def test_dirty_page_cache_is_as_good_as_free(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """Use that turns out to be dirty cache at the second look is written back by the kernel, nobody is stopped."""
    now = reading("api.service", used_bytes=480 * MIB)
    stage.around.next = now._replace(dirty_bytes=300 * MIB)
    assert stage.play(stage.action("terminate"))[0][1] == CALLED_OFF
    assert victim.poll() is None


def test_a_target_that_has_gone_calls_it_off(stage: Stage) -> None:
    """Gone at the second look, or with its directory before the first: called off, not failed."""
    stage.around.next = None
    assert stage.play(stage.action("restart"))[0][1:] == (CALLED_OFF, "the target is gone")
    os.rmdir(stage.eye.directory)
    assert stage.play(stage.action("restart"))[0][1] == CALLED_OFF


def test_who_does_not_get_the_lock_only_watches(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """While somebody else acts on the target it is refused, afterwards not."""
    lock = lock_target(stage.eye.directory)
    assert lock is not None
    assert stage.play(stage.action("notify", "terminate")) == [
        ("notify", REFUSED, "somebody else acts on this target")
    ]  # fmt: skip
    assert victim.poll() is None
    lock.close()
    assert stage.play(stage.action("terminate"))[0][1] == DONE


def test_a_failure_ends_the_sequence(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """What comes after a failed deed is not done."""
    ((verb, result, words),) = stage.play(stage.action("command", "terminate"))
    assert (verb, result) == ("command", FAILED)
    assert "exit code 3" in words
    assert victim.poll() is None


def test_a_deed_without_its_command_fails(stage: Stage) -> None:
    """A policy that does not say how to restart makes the deed a failure with a hint, not a crash."""
    running = stage.action("restart")
    running.policy = POLICY._replace(restart=())
    ((_, result, words),) = stage.play(running)
    assert result == FAILED
    assert "systemctl" in words


def test_ours_are_spared(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """A process of the agent inside the target is not hit, and does not keep the stop from being done."""
    stage.around.own = {victim.pid}
    assert stage.play(stage.action("terminate")) == [("terminate", DONE, "nothing was left to stop")]
    assert victim.poll() is None


@pytest.mark.parametrize(("rate", "waits"), [(0, True), (1, True), (100, False)])
def test_it_waits_for_a_running_capture_while_there_is_time(stage: Stage, rate: int, waits: bool) -> None:
    """32 MiB are left: at 1 MiB/s there is time for the capture, at 100 MiB/s there is not."""
    stage.around.until = 105.0
    running = stage.action("terminate")
    running.watch.see(reading("api.service", used_bytes=480 * MIB - rate * MIB // 10), 99.9)
    running.watch._recent.rotate(1)
    assert not running.begin(100.0).over
    ended = running.step(100.0)
    running.close()
    assert (ended == Ended((), False)) is waits
    stage.now = 105.0
    assert stage.play(stage.action("terminate"))[0][1] == DONE


def test_nothing_but_side_verbs_is_over_at_once(stage: Stage) -> None:
    """notify and capture wait for nobody."""
    ended = stage.action("notify", "capture").begin(100.0)
    assert ended.over
    assert [one.result for one in ended.outcomes] == [DONE, DONE]


def test_closing_lets_everything_go(stage: Stage, victim: subprocess.Popen[str]) -> None:
    """An action given up half way leaves no lock and no descriptor."""
    count = len(os.listdir("/proc/self/fd"))
    running = stage.action("command")
    running._policy = POLICY._replace(command=("sleep", "1"))
    running.begin(stage.now)
    running.step(stage.now)
    assert running.hand_fd is not None
    running.close()
    assert running.hand_fd is None
    assert len(os.listdir("/proc/self/fd")) == count
    lock = lock_target(stage.eye.directory)
    assert lock is not None
    lock.close()
