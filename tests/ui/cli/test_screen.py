"""The terminal is used as one, given back as it was, and not mistaken for a pipe."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator
from typing import NamedTuple, TextIO

import pytest

from forestall.ui.cli.screen import Screen


class Terminal(NamedTuple):
    """Both ends of a pseudo-terminal: `keyboard` is the person's, the streams are the program's."""

    keyboard: int
    out: TextIO
    keys: TextIO


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A pseudo-terminal of 60 columns and 10 rows."""
    person, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 60, 0, 0))
    with open(program, "w", encoding="utf-8") as out, open(os.dup(program), encoding="utf-8") as keys:
        yield Terminal(person, out, keys)
    os.close(person)


def test_a_pipe_has_no_width_colour_or_keys() -> None:
    """Output that nobody watches is written whole, without escape sequences, and waits for no key."""
    out = io.StringIO()
    screen = Screen(out, None, {})
    with screen.taken():
        screen.repaint(["one", "two"])
    assert (screen.width, screen.colour) == (None, False)
    assert out.getvalue() == "one\ntwo\n\n"
    assert screen.leave_within(0.001) is False


def test_a_terminal_has_its_size() -> None:
    """A stream that says it is a terminal but cannot tell its size has the usual one."""

    class Unsized(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen(Unsized(), None, {})
    assert (screen.width, screen.height) == (80, 24)


def test_the_size_is_read_from_the_terminal(terminal: Terminal) -> None:
    """Width and height are those that the window has now."""
    screen = Screen(terminal.out, terminal.keys, {})
    assert (screen.width, screen.height, screen.colour) == (60, 10, True)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_refused(terminal: Terminal, environment: dict[str, str]) -> None:
    """NO_COLOR and a dumb terminal end all colour."""
    assert Screen(terminal.out, terminal.keys, environment).colour is False


def test_repainting_stays_within_the_window(terminal: Terminal) -> None:
    """More lines than rows are cut, so that the first one never scrolls away."""
    Screen(terminal.out, terminal.keys, {}).repaint([f"line {number}" for number in range(30)])
    painted = os.read(terminal.keyboard, 65536).decode()
    assert painted.startswith("\x1b[Hline 0\x1b[K")
    assert "line 8" in painted
    assert "line 9" not in painted


def test_q_leaves_and_other_keys_do_not(terminal: Terminal) -> None:
    """A single q is enough, without Enter; anything else only ends the wait."""
    screen = Screen(terminal.out, terminal.keys, {})
    with screen.taken():
        os.write(terminal.keyboard, b"x")
        assert screen.leave_within(5.0) is False
        os.write(terminal.keyboard, b"q")
        assert screen.leave_within(5.0) is True
        assert screen.leave_within(0.01) is False


def test_the_terminal_is_given_back_after_a_failure(terminal: Terminal) -> None:
    """However the painting ends, the modes are those of before and the first screen is back with its cursor."""
    before = termios.tcgetattr(terminal.keys)
    taken: list[object] = []

    def fail() -> None:
        with Screen(terminal.out, terminal.keys, {}).taken():
            taken.extend(termios.tcgetattr(terminal.keys))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert taken != before
    assert termios.tcgetattr(terminal.keys) == before
    painted = os.read(terminal.keyboard, 65536).decode()
    assert painted.endswith("\x1b[?7h\x1b[?25h\x1b[?1049l")
