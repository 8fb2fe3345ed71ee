"""Agent and page together: both up before anything is shown, both ended, whatever happens to either."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.config.schema import Config
from forestall.model.errors import Absent
from forestall.operations.look import recorded_now
from forestall.operations.up import Together
from forestall.query.places import Places
from tests.support.processes import descendants, state, wait_until

pytestmark = pytest.mark.live

PAGE = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)")


def together(directory: Path, page: tuple[str, ...] = PAGE) -> Together:
    """An agent without policies, and a stand-in for the page."""
    return Together(Config(notify=()), Places(str(directory), str(directory / "run")), page, os.environ)


@pytest.fixture
def pair(live: str, tmp_path: Path) -> Iterator[Together]:
    """Both, ended after the test."""
    one = together(tmp_path)
    yield one
    one.end()


def test_the_first_frame_is_there_when_it_returns(pair: Together, tmp_path: Path) -> None:
    """Whoever starts both can look at once."""
    assert pair.alive()
    assert recorded_now(Places(str(tmp_path), str(tmp_path / "run"))) is not None


def test_the_end_of_either_is_noticed(pair: Together) -> None:
    """When the page dies, both are no longer alive; ending twice is fine."""
    pair._children[1].signal(signal.SIGKILL)
    wait_until(lambda: not pair.alive())
    pair.end()
    pair.end()


def test_nothing_is_left_after_the_end(live: str, tmp_path: Path) -> None:
    """Guard, recorder, hand and page are gone, their zombies too."""
    pair = together(tmp_path)
    children = [child.pid for child in pair._children]
    family = [pid for child in children for pid in (child, *descendants(child))]
    assert len(family) >= 4
    pair.end()
    wait_until(lambda: not any(state(pid) for pid in family), 3.0)


def test_a_page_that_cannot_be_started_takes_the_agent_with_it(live: str, tmp_path: Path) -> None:
    """The error is told and no agent is left behind."""
    before = set(descendants(os.getpid()))
    with pytest.raises(Absent):
        together(tmp_path, ("/nonexistent/page",))
    wait_until(lambda: set(descendants(os.getpid())) <= before, 3.0)
