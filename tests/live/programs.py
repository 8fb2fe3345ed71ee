"""Programs with a known appetite, run as real processes: `python programs.py NAME NUMBER ...`. Sizes in MiB.

Each tells by its exit code what happened to it: 0 it ended by itself, 99 somebody sent SIGTERM to a process that
must not be touched.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Final

MIB: Final = 2**20
TOUCHED: Final = 99
LATE_SECONDS_MAX: Final = 0.02
"""A leak that had to wait for a processor does not catch up: that would be another, faster leak."""
OWN_MIB: Final = 9
"""About what the interpreter itself uses."""


class Appetite:
    """Memory held in chunks, so that it can be taken and given back to the kernel."""

    def __init__(self) -> None:
        self._chunks: list[mmap.mmap] = []
        self._chunk_bytes = MIB

    def hold(self, mebibytes: float) -> None:
        """Take or give back until this much is held."""
        wanted = max(0, int(mebibytes * MIB / self._chunk_bytes))
        while len(self._chunks) > wanted:
            self._chunks.pop().close()
        while len(self._chunks) < wanted:
            chunk = mmap.mmap(-1, self._chunk_bytes)
            chunk.write(b"x" * self._chunk_bytes)
            self._chunks.append(chunk)


def leak(rate: float, after: float = 0.5) -> int:
    """Leak `rate` MiB/s, and go on leaking for `after` seconds when told to stop."""
    until = [float("inf")]
    signal.signal(signal.SIGTERM, lambda *_: until.__setitem__(0, min(until[0], time.monotonic() + after)))
    appetite, held, before = Appetite(), 0.0, time.monotonic()
    while (now := time.monotonic()) < until[0]:
        held += rate * min(now - before, LATE_SECONDS_MAX)
        before = now
        appetite.hold(held)
        time.sleep(0.002)
    return 0


def must_not_be_touched() -> None:
    """From now on SIGTERM is a failure that shows in the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(TOUCHED))


def step(limit: float, ratio: float = 0.6, rise: float = 3.0, seconds: float = 35.0) -> int:
    """Take `ratio` of the limit within `rise` seconds and stay."""
    must_not_be_touched()
    return _follow(lambda at: min(at / rise, 1.0) * ratio * limit - OWN_MIB, seconds)


def spike(limit: float, ratio: float = 0.9, rise: float = 3.0, stay: float = 2.0, seconds: float = 35.0) -> int:
    """Rise to `ratio` of the limit within `rise` seconds, be back after `stay`; again ten seconds later."""
    must_not_be_touched()

    def wanted(at: float) -> float:
        at %= rise + stay + 10.0
        share = at / rise if at < rise else 1.0 if at < rise + stay else 0.1
        return share * ratio * limit - OWN_MIB

    return _follow(wanted, seconds)


def saw_tooth(limit: float, low: float = 0.4, high: float = 0.75, period: float = 4.0, seconds: float = 35.0) -> int:
    """Swing between two shares of the limit, as a garbage collector does."""
    must_not_be_touched()
    return _follow(lambda at: (low + (high - low) * (at % period) / period) * limit - OWN_MIB, seconds)


def growing_saw_tooth(
    start: float, rate: float, swing: float = 0.3, period: float = 5.0, seconds: float = 600.0
) -> int:
    """Leak `rate` MiB/s from `start` MiB on under a swing of +-`swing` of current use."""

    def wanted(at: float) -> float:
        return (start + rate * at) * (1 - swing + 2 * swing * (at % period) / period) - OWN_MIB

    return _follow(wanted, seconds)


def page_cache(limit: float, seconds: float = 35.0) -> int:
    """Read a file larger than the limit again and again."""
    must_not_be_touched()
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(int(limit * 1.5) * MIB)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            file.seek(0)
            while time.monotonic() < ends and file.read(MIB):
                time.sleep(0.002)
    return 0


def _follow(wanted: Callable[[float], float], seconds: float) -> int:
    appetite, began = Appetite(), time.monotonic()
    while (at := time.monotonic() - began) < seconds:
        appetite.hold(wanted(at))
        time.sleep(0.005)
    return 0


PROGRAMS: Final = {
    program.__name__: program for program in (leak, step, spike, saw_tooth, growing_saw_tooth, page_cache)
}


def command(name: str, *numbers: float) -> tuple[str, ...]:
    """Return the command line of a program."""
    return (sys.executable, "-I", "-S", os.path.abspath(__file__), name, *(f"{number:g}" for number in numbers))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(PROGRAMS[sys.argv[1]](*map(float, sys.argv[2:])))
