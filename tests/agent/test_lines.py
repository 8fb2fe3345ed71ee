"""Lines between our processes: whole or not at all, and never waiting."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.agent.lines import LINE_BYTES_MAX, Inlet, Outlet, fitted


@pytest.fixture
def pipe() -> Iterator[tuple[Outlet, Inlet]]:
    """Both ends of one pipe."""
    reading, writing = os.pipe()
    outlet, inlet = Outlet(writing), Inlet(reading)
    yield outlet, inlet
    outlet.close()
    inlet.close()


def test_objects_come_through_in_order(pipe: tuple[Outlet, Inlet]) -> None:
    """What is sent is received, newlines and any text in it included."""
    outlet, inlet = pipe
    sent: list[dict[str, Any]] = [{"k": "a", "text": "one\ntwo\udcff é"}, {"k": "b", "number": 1.5, "none": None}]
    assert all(outlet.send(message) for message in sent)
    assert inlet.receive() == sent
    assert inlet.receive() == []
    assert not inlet.ended


def test_a_full_pipe_drops_and_counts_at_once(pipe: tuple[Outlet, Inlet]) -> None:
    """A sender whose reader is stopped goes on without waiting; what got through is whole."""
    outlet, inlet = pipe
    began = time.monotonic()
    results = [outlet.send({"number": number, "text": "x" * 1000}) for number in range(1000)]
    assert time.monotonic() - began < 1.0
    assert outlet.dropped == results.count(False) > 800
    received: list[dict[str, Any]] = []
    while more := inlet.receive():
        received += more
    assert [message["number"] for message in received] == [at for at, sent in enumerate(results) if sent]
    assert inlet.malformed == 0
    assert outlet.send({"after": True})


def test_a_reader_that_has_gone_is_a_drop(pipe: tuple[Outlet, Inlet]) -> None:
    """Nobody to read is no error of the sender's."""
    outlet, inlet = pipe
    inlet.close()
    assert not outlet.send({"k": "x"})
    assert outlet.dropped == 1


def test_a_line_longer_than_a_pipe_takes_whole_is_dropped(pipe: tuple[Outlet, Inlet]) -> None:
    """More than PIPE_BUF could arrive in halves, so it does not go at all."""
    outlet, inlet = pipe
    assert not outlet.send({"text": "x" * LINE_BYTES_MAX})
    assert outlet.send({"k": "short"})
    assert inlet.receive() == [{"k": "short"}]


def test_a_job_may_fill_an_empty_pipe() -> None:
    """With a room of its own one long line goes through an empty pipe, and is refused by one that is not."""
    reading, writing = os.pipe()
    outlet, inlet = Outlet(writing, 60_000), Inlet(reading)
    assert outlet.send({"text": "x" * 59_000})
    assert not outlet.send({"text": "x" * 59_000})
    assert [len(message["text"]) for message in inlet.receive()] == [59_000]
    outlet.close()
    inlet.close()


def test_a_line_may_come_in_pieces(pipe: tuple[Outlet, Inlet]) -> None:
    """A reader that is faster than the writer waits for the end of the line."""
    outlet, inlet = pipe
    os.write(outlet.fd, b'{"k": "a')
    assert inlet.receive() == []
    os.write(outlet.fd, b'b"}\n{"k": 2}\n{')
    assert inlet.receive() == [{"k": "ab"}, {"k": 2}]


def test_what_is_no_object_is_counted(pipe: tuple[Outlet, Inlet]) -> None:
    """Noise on the pipe is passed over, counted, and does not spoil the next line."""
    outlet, inlet = pipe
    os.write(outlet.fd, b'\xff\xfe\n[1]\n"x"\n' + b"[" * 3000 + b'\n\n{"k": 1}\n')
    assert inlet.receive() == [{"k": 1}]
    assert inlet.malformed == 5


def test_the_other_end_closing_is_an_end(pipe: tuple[Outlet, Inlet]) -> None:
    """`ended` is told once everything has been read."""
    outlet, inlet = pipe
    outlet.send({"k": "last"})
    outlet.close()
    outlet.close()
    assert inlet.receive() == [{"k": "last"}]
    assert not inlet.ended
    assert inlet.receive() == []
    assert inlet.ended


def test_a_long_text_is_cut_so_that_the_message_goes(pipe: tuple[Outlet, Inlet]) -> None:
    """A hostile name or a chatty command costs its own tail, not the message."""
    outlet, inlet = pipe
    message = {"k": "outcome", "outcome": {"words": "\udcff\x1b" * 5000, "target": {"path": "/a" * 4000}, "n": [1, 2]}}
    assert outlet.send({**fitted(message), "n": 10**9})
    (got,) = inlet.receive()
    assert got["k"] == "outcome"
    assert got["outcome"]["n"] == [1, 2]
    assert got["outcome"]["target"]["path"].startswith("/a/a/a")
    assert got["outcome"]["target"]["path"].endswith("…")


def test_a_message_that_fits_is_left_as_it_is() -> None:
    """Nothing is cut without need."""
    message = {"k": "finding", "text": "x" * 3000, "parts": ({"deep": "é"},)}
    assert fitted(message) is message


@given(st.dictionaries(st.sampled_from("abcd"), st.text(max_size=3000) | st.lists(st.text(max_size=1500), max_size=4)))
def test_whatever_the_texts_are_a_message_is_made_to_fit(message: dict[str, Any]) -> None:
    """Any characters, escapes of six or twelve bytes included, end within one line."""
    assert len(json.dumps({**fitted(message), "n": 10**12}, separators=(",", ":"))) < LINE_BYTES_MAX
