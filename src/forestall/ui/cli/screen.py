"""The terminal: its width, whether it wants colour, repainting in place, and a key to leave (ECMA-48, termios(3))."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

ALTERNATE_ON = "\x1b[?1049h\x1b[?25l\x1b[?7l"
ALTERNATE_OFF = "\x1b[?7h\x1b[?25h\x1b[?1049l"
"""The second screen, no cursor, and no wrapping: a line too long would push the others away."""

HOME = "\x1b[H"
CLEAR_LINE = "\x1b[K"
CLEAR_BELOW = "\x1b[J"
LEAVE_KEYS = frozenset(b"qQ\x04")
COLUMNS_DEFAULT = 80
ROWS_DEFAULT = 24


class Screen:
    """Where the output goes. `width` None: not a terminal, so nothing is shortened and every row is written."""

    def __init__(self, out: TextIO, keys: TextIO | None, environment: Mapping[str, str]) -> None:
        self.out = out
        self.tty = out.isatty()
        self.keys = keys if keys is not None and self.tty and keys.isatty() else None
        self.colour = self.tty and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"

    @property
    def width(self) -> int | None:
        """Cells of a line; None when nobody looks at a terminal."""
        return self._size().columns if self.tty else None

    @property
    def height(self) -> int:
        """Lines of the terminal."""
        return self._size().lines

    def write(self, lines: list[str]) -> None:
        """Print the lines once."""
        self.out.write("".join(f"{line}\n" for line in lines))
        self.out.flush()

    def repaint(self, lines: list[str]) -> None:
        """Replace what stands on a terminal without flicker; on anything else print the lines and an empty one."""
        if not self.tty:
            self.write([*lines, ""])
            return
        shown = (line + CLEAR_LINE for line in lines[: self.height - 1])
        self.out.write(HOME + "\r\n".join(shown) + "\r\n" + CLEAR_BELOW)
        self.out.flush()

    def leave_within(self, seconds: float) -> bool:
        """Wait; whether the person pressed q meanwhile."""
        poller = select.poll()  # not select(2): a look keeps more than 1024 files open on a large host
        if self.keys is not None:
            poller.register(self.keys, select.POLLIN)
        if not poller.poll(seconds * 1000) or self.keys is None:
            return False
        return not LEAVE_KEYS.isdisjoint(os.read(self.keys.fileno(), 64))

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The alternate screen and single keys without echo; given back however it ends."""
        if not self.tty:
            yield
            return
        restore = self._single_keys() if self.keys is not None else None
        self.out.write(ALTERNATE_ON)
        try:
            yield
        finally:
            self.out.write(ALTERNATE_OFF)
            self.out.flush()
            if restore is not None:
                self._restore(restore)

    def _size(self) -> os.terminal_size:
        try:
            found = os.get_terminal_size(self.out.fileno())
        except (OSError, ValueError):
            return os.terminal_size((COLUMNS_DEFAULT, ROWS_DEFAULT))
        return os.terminal_size((found.columns or COLUMNS_DEFAULT, found.lines or ROWS_DEFAULT))

    def _single_keys(self) -> list[object]:
        import termios  # here and below: only a watched terminal needs them
        import tty

        assert self.keys is not None
        before: list[object] = termios.tcgetattr(self.keys)
        tty.setcbreak(self.keys)
        return before

    def _restore(self, before: list[object]) -> None:
        import termios

        assert self.keys is not None
        termios.tcsetattr(self.keys, termios.TCSADRAIN, before)  # type: ignore[arg-type]


def terminal(environment: Mapping[str, str]) -> Screen:
    """The screen of this process's standard streams."""
    return Screen(sys.stdout, sys.stdin, environment)
