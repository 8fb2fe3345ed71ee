"""What waits for an acknowledgement: the weighty first, the bound held, nothing lost while it fits."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from forestall.agent.backlog import MESSAGES_MAX, Backlog
from forestall.agent.lines import Inlet, Outlet

Pipe = tuple[Outlet, Inlet]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Both ends of a pipe."""
    reading, writing = os.pipe()
    outlet, inlet = Outlet(writing), Inlet(reading)
    yield outlet, inlet
    outlet.close()
    inlet.close()


def test_messages_go_in_order_and_once(pipe: Pipe) -> None:
    """While the pipe takes them they are sent as they come, with their numbers, and not again."""
    outlet, inlet = pipe
    backlog = Backlog()
    backlog.add({"k": "finding", "text": "a"})
    backlog.send(outlet)
    backlog.add({"k": "outcome", "text": "b"})
    backlog.send(outlet)
    assert inlet.receive() == [{"k": "finding", "text": "a", "n": 1}, {"k": "outcome", "text": "b", "n": 2}]
    backlog.send(outlet)
    assert inlet.receive() == []
    assert backlog.messages() == [{"k": "finding", "text": "a"}, {"k": "outcome", "text": "b"}]


def test_outcomes_pass_findings_at_a_full_pipe(pipe: Pipe) -> None:
    """What could not be sent yet goes by weight as soon as there is room: an outcome before a finding."""
    outlet, inlet = pipe
    backlog = Backlog()
    for number in range(40):
        backlog.add({"k": "finding", "number": number, "text": "x" * 3000})
    backlog.send(outlet)
    assert backlog.unsent
    sent = len(inlet.receive())
    assert sent < 40
    backlog.add({"k": "outcome", "number": 40})
    backlog.send(outlet)
    got = [message["number"] for message in inlet.receive()]
    assert got == [40, *range(sent, sent + len(got) - 1)]
    backlog.send(outlet)
    assert [message["number"] for message in inlet.receive()] == [*range(sent + len(got) - 1, 40)]
    assert not backlog.unsent


def test_a_full_backlog_gives_up_findings_before_outcomes() -> None:
    """The oldest of little weight goes; an outcome only where nothing else is left."""
    backlog = Backlog()
    backlog.add({"k": "outcome", "number": 1})
    for number in range(2, MESSAGES_MAX + 1):
        backlog.add({"k": "finding", "number": number, "notify": False})
    assert backlog.add({"k": "minimal", "number": 0}) == [(2, {"k": "finding", "number": 2, "notify": False})]
    for _ in range(MESSAGES_MAX - 2):
        backlog.add({"k": "outcome"})
    assert backlog.add({"k": "outcome"}) == [(1, {"k": "outcome", "number": 1})]
    assert (len(backlog), backlog.lost) == (MESSAGES_MAX, MESSAGES_MAX)


def test_what_is_acknowledged_is_not_sent_to_the_next_listener(pipe: Pipe) -> None:
    """Somebody new hears what waits, and only that; an unknown number is nothing."""
    outlet, inlet = pipe
    backlog = Backlog()
    for number in range(3):
        backlog.add({"k": "finding", "number": number})
    assert backlog.acknowledged(2)
    assert not backlog.acknowledged(2)
    backlog.send_anew()
    backlog.send(outlet)
    assert [message["number"] for message in inlet.receive()] == [0, 2]


def test_what_cannot_be_cut_to_a_line_is_given_up_at_once(pipe: Pipe) -> None:
    """A message of too many parts must not stand in the way of those behind it."""
    outlet, inlet = pipe
    backlog = Backlog()
    monster = {"k": "outcome", "parts": list(range(5000))}
    assert backlog.add(monster) == [(1, monster)]
    backlog.add({"k": "outcome"})
    backlog.send(outlet)
    assert inlet.receive() == [{"k": "outcome", "n": 2}]
    assert backlog.lost == 1
