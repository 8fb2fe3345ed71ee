"""How the guard tells: acknowledged, sent again, said past a recorder that is silent, and never waited for."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forestall.agent import telling
from forestall.agent.backlog import MESSAGES_MAX
from forestall.agent.lines import Inlet, Outlet
from forestall.agent.telling import REPLACED_A_MINUTE_MAX, SILENT_SECONDS_MAX, Recorder, line, say
from tests.support.limits import open_files
from tests.support.processes import gone, state, wait_until


def echo(inlet: Inlet, outlet: Outlet) -> int:
    """A recorder that answers every message with itself and an acknowledgement."""
    poller = select.poll()
    poller.register(inlet.fd, select.POLLIN)
    while not inlet.ended:
        poller.poll()
        for message in inlet.receive():
            outlet.send({"k": "echo", "of": message})
            outlet.send({"k": "ack", "n": message["n"]})
    return 0


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder that echoes."""
    one = Recorder(echo)
    yield one
    one.close()


def receive(recorder: Recorder, now: float, count: int) -> list[dict[str, Any]]:
    """The next messages, waited for."""
    got: list[dict[str, Any]] = []

    def enough() -> bool:
        got.extend(recorder.receive(now))
        return len(got) >= count and not recorder.waiting

    wait_until(enough)
    return got


def test_what_is_acknowledged_waits_no_longer(recorder: Recorder) -> None:
    """A message arrives, its acknowledgement is taken out, and nothing is due any more."""
    recorder.send({"k": "finding", "text": "é"}, 100.0)
    assert recorder.due() == 100.0 + SILENT_SECONDS_MAX
    assert receive(recorder, 100.1, 1) == [{"k": "echo", "of": {"k": "finding", "text": "é", "n": 1}}]
    assert recorder.due() is None
    assert not recorder.silent(1000.0)


def test_a_stopped_recorder_is_replaced_and_hears_it_all_again(recorder: Recorder) -> None:
    """Silent for two seconds it is killed; the next one gets what was not acknowledged, in order."""
    first = recorder.pid
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: state(first) == "T")
    recorder.send({"k": "finding", "number": 1}, 100.0)
    recorder.send({"k": "finding", "number": 2}, 101.0)
    assert not recorder.silent(101.9)
    assert recorder.silent(102.0)
    assert [message["number"] for message in recorder.unsaid()] == [1, 2]
    assert recorder.unsaid() == []
    assert recorder.replace(102.0)
    assert state(first) == ""
    assert (recorder.replaced, recorder.pid != first) == (1, True)
    assert [message["of"]["number"] for message in receive(recorder, 102.1, 2)] == [1, 2]
    assert not recorder.silent(110.0)


def test_a_recorder_that_died_is_silent_at_once(recorder: Recorder) -> None:
    """Its closed pipe is noticed without anything asked of it."""
    os.kill(recorder.pid, signal.SIGKILL)
    wait_until(lambda: gone(recorder.pid))
    assert recorder.receive(100.0) == []
    assert recorder.silent(100.0)


def test_one_that_dies_again_and_again_is_left_for_a_minute() -> None:
    """After six times in a minute there is no recorder, no descriptor to spin on, and a next try when it is over."""
    recorder = Recorder(lambda *_: 1)
    recorder.send({"k": "refusal", "words": "one"}, 100.0)
    tries = 0
    while recorder.fd is not None:
        wait_until(lambda: recorder.receive(100.0) == [] and recorder.silent(100.0))
        tries += recorder.replace(100.0 + tries)
    assert tries == REPLACED_A_MINUTE_MAX
    assert recorder.due() == 160.0
    assert not recorder.silent(159.0)
    recorder.send({"k": "refusal", "words": "two"}, 130.0)
    assert recorder.receive(130.0) == []
    assert recorder.silent(160.0)
    assert recorder.replace(160.0)
    assert recorder.fd is not None
    recorder.close()
    recorder.close()
    recorder.dismiss(5.0)


def test_a_recorder_that_does_not_read_costs_no_time(recorder: Recorder, capfd: pytest.CaptureFixture[str]) -> None:
    """Far more than the pipe takes is sent without waiting and kept; beyond the bound the oldest is said instead."""
    os.kill(recorder.pid, signal.SIGSTOP)
    began = time.monotonic()
    for number in range(MESSAGES_MAX + 2):
        recorder.send({"k": "refusal", "words": f"number {number}", "text": "x" * 2000}, 100.0)
    assert time.monotonic() - began < 1.0
    assert [message["words"] for message in recorder.waiting] == [f"number {n}" for n in range(2, MESSAGES_MAX + 2)]
    assert capfd.readouterr().err == "forestall: not done: number 0\nforestall: not done: number 1\n"


def writing_down(path: Path, pause_seconds: float = 0.0) -> Callable[[Inlet, Outlet], int]:
    """A recorder that acknowledges, and at its end leaves what it has heard in a file."""

    def work(inlet: Inlet, outlet: Outlet) -> int:
        heard = []
        while not inlet.ended:
            select.select([inlet.fd], [], [])
            time.sleep(pause_seconds)
            for message in inlet.receive():
                heard.append(message)
                outlet.send({"k": "ack", "n": message["n"]})
        path.write_text(json.dumps(heard), encoding="utf-8")
        return 0

    return work


def test_what_found_no_room_in_the_pipe_arrives_later(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A recorder that was held up hears everything once it reads again, and is told how much was given up."""
    recorder = Recorder(writing_down(tmp_path / "heard"))
    os.kill(recorder.pid, signal.SIGSTOP)
    for number in range(MESSAGES_MAX + 3):
        recorder.send({"k": "refusal", "words": f"number {number}", "text": "x" * 500}, 100.0)
    os.kill(recorder.pid, signal.SIGCONT)
    wait_until(lambda: recorder.receive(100.1) == [] and recorder.due() is None)
    recorder.dismiss(5.0)
    heard = json.loads((tmp_path / "heard").read_text(encoding="utf-8"))
    words = [one["words"] for one in heard if one["k"] == "refusal"]
    said = capfd.readouterr().err
    missing = [number for number in range(MESSAGES_MAX + 3) if f"number {number}" not in words]
    assert [f"not done: number {number}\n" in said for number in missing] == [True] * len(missing)
    assert [one["count"] for one in heard if one["k"] == "lost"] == [3]


def test_an_acknowledgement_is_for_its_own_message(recorder: Recorder) -> None:
    """A later number says nothing of an earlier one: that waits on."""
    os.kill(recorder.pid, signal.SIGSTOP)
    recorder.send({"k": "refusal", "words": "first"}, 100.0)
    recorder.send({"k": "refusal", "words": "second"}, 100.0)
    recorder._acknowledged(2, 100.1)
    assert [message["words"] for message in recorder.waiting] == ["first"]


def test_at_dismissal_what_waits_is_taken_first(tmp_path: Path) -> None:
    """A recorder that is slow, but lives, gets everything that did not fit the pipe before it is closed."""
    recorder = Recorder(writing_down(tmp_path / "heard", 0.02))
    for number in range(300):
        recorder.send({"k": "refusal", "words": f"number {number}", "text": "x" * 2000}, 100.0)
    recorder.dismiss(5.0)
    heard = json.loads((tmp_path / "heard").read_text(encoding="utf-8"))
    assert [one["words"] for one in heard] == [f"number {number}" for number in range(300)]


def test_what_a_dismissed_recorder_has_not_taken_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    """One that hangs is waited for in bounds, and what it was to tell stands on standard error."""

    def hang(*_: object) -> int:
        time.sleep(60)
        return 0

    recorder = Recorder(hang)
    recorder.send({"k": "refusal", "words": "it is protected"}, 100.0)
    began = time.monotonic()
    recorder.dismiss(0.2)
    assert time.monotonic() - began < 1.0
    assert capfd.readouterr().err == "forestall: not done: it is protected\n"


def test_no_descriptors_cost_the_recorder_alone(recorder: Recorder, capfd: pytest.CaptureFixture[str]) -> None:
    """Where no pipe can be made the guard is without a recorder for now; what waits is kept for the next."""
    recorder.send({"k": "refusal", "words": "kept"}, 100.0)
    recorder.close()
    with open_files(3):
        assert not recorder.replace(102.0)
    assert "no recorder could be made" in capfd.readouterr().err
    assert recorder.fd is None
    assert recorder.replace(163.0)
    assert [message["of"]["words"] for message in receive(recorder, 163.1, 1)] == ["kept"]


def test_a_message_too_long_for_a_line_arrives_cut(recorder: Recorder) -> None:
    """What a target's owner made too long is told in part; the recorder is not taken for silent over it."""
    recorder.send({"k": "finding", "name": "n" * 10_000}, 100.0)
    (got,) = receive(recorder, 100.1, 1)
    assert got["of"]["name"].startswith("nnn") or got["of"]["name"].endswith("…")
    assert recorder.due() is None


def test_a_dismissed_recorder_finishes_first(tmp_path: Path) -> None:
    """Its pipe is closed, it gets its time to finish, and is ended for good after it."""

    def finish(inlet: Inlet, outlet: Outlet) -> int:
        echo(inlet, outlet)
        time.sleep(0.3)
        (tmp_path / "finished").touch()
        return 0

    recorder = Recorder(finish)
    recorder.dismiss(5.0)
    assert (tmp_path / "finished").exists()
    assert state(recorder.pid) == ""


def test_a_dismissed_recorder_that_hangs_is_killed() -> None:
    """One that does not come to an end in its time is ended."""

    def hang(*_: object) -> int:
        time.sleep(60)
        return 0

    recorder = Recorder(hang)
    began = time.monotonic()
    recorder.dismiss(0.2)
    assert 0.2 <= time.monotonic() - began < 1.0
    assert state(recorder.pid) == ""


def test_saying_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard error that nobody reads swallows lines after it is full; one that is read gets them whole."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    kept = os.dup(2)
    os.dup2(writing, 2)
    try:
        began = time.monotonic()
        said = [say(f"line {number} é\udcff" + "x" * 500) for number in range(50)]
        assert time.monotonic() - began < 1.0
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(writing)
    assert said[0]
    assert not said[-1]
    got = os.read(reading, 65536)
    os.close(reading)
    assert got.count(b"\n") == said.count(True)


def test_messages_have_words_for_when_nobody_else_can_tell_them() -> None:
    """A finding, an outcome and a refusal are one line each."""
    target = {"name": "api.service"}
    outcome = {"deed": {"verb": "restart"}, "target": target, "result": "failed", "words": "exit code 5"}
    assert line({"k": "outcome", "outcome": outcome}) == "forestall: restart api.service: failed: exit code 5"
    finding = {"target": target, "summary": "used 93% of limit"}
    assert line({"k": "finding", "finding": finding}) == "forestall: api.service: used 93% of limit"
    assert line({"k": "refusal", "words": "it is protected"}) == "forestall: not done: it is protected"
    assert line({"k": "capture"}) == "forestall: capture waits for the recorder"


def test_silence_lasts_two_seconds() -> None:
    """The design's number."""
    assert telling.SILENT_SECONDS_MAX == 2.0
