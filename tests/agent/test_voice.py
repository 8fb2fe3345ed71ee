"""What the guard says and hears: the recorder, who follows it closely, and standard error when nobody is left."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from forestall.agent.lines import Inlet, Outlet
from forestall.agent.telling import Recorder
from forestall.agent.voice import Voice
from forestall.engine.tick import Ticked
from forestall.model.frame import Moment, Reading
from tests.support.frames import MOMENT
from tests.support.processes import gone, state, wait_until


def echo(inlet: Inlet, outlet: Outlet) -> int:
    """A recorder that says what it was told, and acknowledges it."""
    poller = select.poll()
    poller.register(inlet.fd, select.POLLIN)
    while not inlet.ended:
        poller.poll()
        for message in inlet.receive():
            outlet.send({"k": "echo", "pid": os.getpid(), "of": message["k"]})
            outlet.send({"k": "ack", "n": message["n"]})
    return 0


class Follower:
    """A story that remembers."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tick(self, _moment: Moment, _readings: tuple[Reading, ...], _ticked: Ticked) -> None:
        """Looks are the guard's to tell."""

    def tell(self, message: dict[str, Any]) -> None:
        """Remember."""
        self.told.append(message)


def later(seconds: float) -> Moment:
    """So many seconds after the test's beginning."""
    return MOMENT._replace(boottime_seconds=MOMENT.boottime_seconds + seconds)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder that echoes."""
    one = Recorder(echo)
    yield one
    one.close()


@pytest.fixture
def voice(recorder: Recorder) -> Voice:
    """A voice with that recorder and a follower."""
    one = Voice(recorder)
    one.story = Follower()
    return one


def heard(voice: Voice, moment: Moment, count: int) -> list[dict[str, Any]]:
    """What the recorder says next, waited for."""
    said: list[dict[str, Any]] = []

    def enough() -> bool:
        said.extend(voice.hear(moment))
        return len(said) >= count and voice.due() is None

    wait_until(enough)
    return said


def test_everybody_is_told_and_the_story_hears_the_answer(voice: Voice, recorder: Recorder) -> None:
    """One message goes to recorder and story with the wall time; what the recorder says goes to the story too."""
    assert recorder.fd is not None
    assert voice.fds == {recorder.fd}
    voice.tell({"k": "finding"}, MOMENT)
    assert voice.due() is not None
    assert heard(voice, later(0.1), 1) == [{"k": "echo", "pid": recorder.pid, "of": "finding"}]
    assert isinstance(voice.story, Follower)
    assert [message["k"] for message in voice.story.told] == ["finding", "echo"]
    assert voice.story.told[0]["at"] == MOMENT.wall_seconds


def test_a_silent_recorder_is_replaced_and_what_it_missed_is_said(
    voice: Voice, recorder: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    """After two seconds the message stands on standard error once, and the next recorder hears it again."""
    first = recorder.pid
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: state(first) == "T")
    voice.tell({"k": "refusal", "words": "it is protected"}, MOMENT)
    assert voice.hear(later(1.9)) == []
    assert recorder.pid == first
    voice.hear(later(2.0))
    assert gone(first)
    assert recorder.replaced == 1
    assert capfd.readouterr().err.splitlines() == [
        "forestall: not done: it is protected",
        "forestall: the recorder was silent for 2 s and has been replaced",
    ]
    (answer,) = heard(voice, later(2.1), 1)
    assert answer == {"k": "echo", "pid": recorder.pid, "of": "refusal"}
    assert isinstance(voice.story, Follower)
    assert [message["k"] for message in voice.story.told] == ["refusal", "echo"]
    assert capfd.readouterr().err == ""


def test_a_recorder_that_died_is_replaced_without_waiting(voice: Voice, recorder: Recorder) -> None:
    """Its closed pipe is readable; hearing it brings another at once, with descriptors of its own."""
    first = recorder.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: gone(first))
    voice.hear(later(0.0))
    assert recorder.pid != first
    assert voice.fds == {recorder.fd}
    voice.tell({"k": "finding"}, later(0.1))
    assert heard(voice, later(0.2), 1)[0]["pid"] == recorder.pid


def test_one_that_never_lives_is_left_alone_and_costs_no_descriptor(capfd: pytest.CaptureFixture[str]) -> None:
    """After six in a minute there is nothing to poll, a time to try again, and the messages on standard error."""
    recorder = Recorder(lambda *_: 1)
    voice = Voice(recorder)
    voice.tell({"k": "refusal", "words": "one"}, MOMENT)

    def given_up() -> bool:
        voice.hear(MOMENT)
        return voice.fds == set()

    wait_until(given_up)
    assert voice.due() == MOMENT.boottime_seconds + 60.0
    voice.tell({"k": "refusal", "words": "two"}, later(1.0))
    assert voice.hear(later(1.0)) == []
    voice.hear(later(60.0))
    said = capfd.readouterr().err
    assert said.count("not done: one") == said.count("not done: two") == 1
    assert voice.fds != set()
    recorder.close()


def test_without_a_recorder_only_the_story_is_told() -> None:
    """Nothing is due, nothing to poll, nothing heard; a voice with nobody at all is silent."""
    voice = Voice(None)
    voice.tell({"k": "finding"}, MOMENT)
    voice.story = follower = Follower()
    voice.tell({"k": "outcome"}, MOMENT)
    assert [message["k"] for message in follower.told] == ["outcome"]
    assert (voice.fds, voice.due(), voice.hear(MOMENT)) == (set(), None, [])
