"""A real terminal: a pseudo-terminal with a program in its foreground, and keys pressed on it (pty(7))."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import descendants


class Terminal:
    """One program on one terminal of 100 columns; `shown` is everything it has written so far."""

    def __init__(self, pid: int, master: int) -> None:
        self.pid = pid
        self.shown = ""
        self._master = master
        self._status: int | None = None

    def read(self, seconds: float = 0.05) -> bool:
        """Take what is shown; whether the program may still show more."""
        poller = select.poll()
        poller.register(self._master, select.POLLIN)
        if not poller.poll(seconds * 1000):
            return True
        try:
            got = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self.shown += got.decode("utf-8", "replace")
        return bool(got)

    def until(self, words: str, seconds: float = 15.0) -> None:
        """Read until `words` have been shown."""
        ends = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < ends, f"{words!r} was never shown, but {self.shown[-2000:]!r}"
            assert self.read() or words in self.shown, f"it ended with {self.shown[-2000:]!r}"

    def press(self, key: bytes) -> None:
        """Press a key; the byte 3 is Ctrl-C."""
        os.write(self._master, key)

    def wait(self, seconds: float = 15.0) -> int:
        """The exit code, as a shell tells it, read along the way."""
        ends = time.monotonic() + seconds
        while self._status is None:
            assert time.monotonic() < ends, f"it does not end: {self.shown[-2000:]!r}"
            if not self.read():
                time.sleep(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        code = os.waitstatus_to_exitcode(self._status)
        return 128 - code if code < 0 else code

    @property
    def ended(self) -> bool:
        """Whether its end has been seen."""
        return self._status is not None


@contextmanager
def on_terminal(argv: list[str]) -> Iterator[Terminal]:
    """A program in the foreground of a terminal of its own; killed with all its descendants at the end."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.closerange(3, 65536)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execvpe(argv[0], argv, {**os.environ, "TERM": "xterm", "COLUMNS": "100"})
        finally:
            os._exit(127)
    os.close(slave)
    terminal = Terminal(pid, master)
    try:
        yield terminal
    finally:
        if not terminal.ended:
            for one in (*descendants(pid), pid):
                os.kill(one, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(master)
