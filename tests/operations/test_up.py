"""Agent and page together: started one after the other, ended together, and nothing left when either fails."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.config.schema import AgentSettings, Config
from forestall.model.errors import Absent
from forestall.operations.agent import start_agent
from forestall.operations.look import recorded_now
from forestall.operations.up import END_SECONDS_MAX, FIRST_FRAME_SECONDS_MAX, LOOKED_AT_SECONDS, Together, brisk
from forestall.query.places import Places
from forestall.system.lock import lock_target
from tests.support.processes import IGNORES_TERM, descendants, gone, python, wait_until

PAGE = ("sleep", "60")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Directories of the test's own."""
    return Places(str(tmp_path / "s"), str(tmp_path / "s/run"))


@pytest.fixture
def family() -> Iterator[list[int]]:
    """The children that this process had before; after the test there are no others."""
    before = descendants(os.getpid())
    yield before
    wait_until(lambda: set(descendants(os.getpid())) <= set(before), 5.0)


def test_who_looks_on_gets_a_livelier_pace_unless_a_file_says_otherwise() -> None:
    """Every two seconds without a configuration file; with one its interval stands."""
    assert brisk(Config(AgentSettings(10.0, 1.0))).agent == AgentSettings(LOOKED_AT_SECONDS, 1.0)
    named = Config(AgentSettings(10.0, 1.0), files=("forestall.toml",))
    assert brisk(named) == named


@pytest.mark.live
def test_both_run_until_they_are_ended(live: str, places: Places, family: list[int]) -> None:
    """The page begins when the first frame is there; at the end both are gone, with the agent's children."""
    together = Together(Config(), places, PAGE, {**os.environ})
    try:
        assert recorded_now(places) is not None
        assert together.alive()
        ours = set(descendants(os.getpid())) - set(family)
        assert len(ours) >= 4
    finally:
        began = time.monotonic()
        together.end()
    assert time.monotonic() - began < END_SECONDS_MAX
    assert all(gone(pid) for pid in ours)
    together.end()


@pytest.mark.live
def test_the_end_of_one_is_noticed(live: str, places: Places, family: list[int]) -> None:
    """A page that ends by itself, or cannot be begun, is an end of both being alive; the agent is still ended."""
    together = Together(Config(), places, ("true",), {**os.environ})
    try:
        wait_until(lambda: not together.alive(), 5.0)
    finally:
        together.end()


@pytest.mark.live
def test_a_page_that_ignores_term_is_killed(
    live: str, places: Places, family: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not end in time is ended; the time is shortened here."""
    monkeypatch.setattr("forestall.operations.up.END_SECONDS_MAX", 3.0)
    together = Together(Config(), places, tuple(python(IGNORES_TERM)), {**os.environ})
    page = together._children[1].pid
    wait_until(lambda: ignores(page, signal.SIGTERM))
    began = time.monotonic()
    together.end()
    assert 2.9 < time.monotonic() - began < 6.0
    assert gone(page)


def ignores(pid: int, number: int) -> bool:
    """Whether a process ignores a signal (SigIgn in proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    (mask,) = [line.split()[1] for line in lines if line.startswith("SigIgn:")]
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.live
def test_beside_another_agent_nothing_is_started(live: str, places: Places, family: list[int]) -> None:
    """An agent that finds its directories taken ends at once; the page is not started, and the reason is told."""
    os.makedirs(places.runtime)
    taken = lock_target(places.runtime)
    assert taken is not None
    began = time.monotonic()
    with pytest.raises(Absent, match="first frame"):
        Together(Config(), places, PAGE, {**os.environ})
    assert time.monotonic() - began < FIRST_FRAME_SECONDS_MAX / 2
    assert descendants(os.getpid()) == family
    taken.close()


@pytest.mark.live
def test_a_page_that_cannot_be_started_ends_the_agent(live: str, places: Places, family: list[int]) -> None:
    """The agent that was started first is not left behind; the fixture looks for it."""
    with pytest.raises(Absent):
        Together(Config(), places, ("/no/such/program",), {**os.environ})


@pytest.mark.live
def test_the_agent_ends_when_who_started_it_is_killed(live: str, places: Places) -> None:
    """kill -9 of the owner: its agent notices, and leaves nothing."""
    reading, writing = os.pipe()
    owner = os.fork()
    if owner == 0:
        agent = start_agent(Config(), places)
        os.write(writing, str(agent.guard.pid).encode())
        signal.pause()
        os._exit(0)
    guard = int(os.read(reading, 64))
    os.close(reading)
    os.close(writing)
    wait_until(lambda: recorded_now(places) is not None)
    family = [guard, *descendants(guard)]
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    wait_until(lambda: all(gone(pid) for pid in family), END_SECONDS_MAX)
