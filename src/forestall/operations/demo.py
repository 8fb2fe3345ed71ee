"""`forestall demo`: a real process leaks in a real memory-limited cgroup, and is stopped in time.

The same path as `run`, with a child of ours that leaks. Without a guard the same
leak is killed by the kernel: that is the other half of the proof.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from forestall.model.errors import ForestallError
from forestall.operations.ladder import run_policy
from forestall.operations.run import Owner, Report, Wanted
from forestall.parse import cgroup
from forestall.query.places import Places
from forestall.system.clock import boottime_seconds

MEMORY_BYTES: Final = 256 * 2**20
LEAK_BYTES_PER_SECOND: Final = 12 * 2**20
GRACE_SECONDS: Final = 5.0
AFTER_RESTART_SECONDS: Final = 3.0
LEAK_CHUNK_BYTES: Final = 2**20

LEAKER: Final = """
import signal, sys, time
rate, chunk = int(sys.argv[1]), int(sys.argv[2])
def leave(*_):
    time.sleep(0.3)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
kept, began = [], time.monotonic()
while True:
    due = int((time.monotonic() - began) * rate)
    while len(kept) * chunk < due:
        kept.append(b"x" * chunk)
    time.sleep(0.02)
"""

Listener = Callable[[dict[str, Any]], None]


class Result(NamedTuple):
    """What a demo shows, from the kernel's counters and our record; `peak_ratio` is highest use / limit."""

    kernel_kills: int
    warned_seconds_before_limit: float | None
    captures: int
    restarts: int
    peak_ratio: float


def leaker(rate_bytes_per_second: int) -> tuple[str, ...]:
    """Return the command of a process that leaks at a steady rate and leaves 0.3 s after SIGTERM."""
    return (sys.executable, "-I", "-S", "-c", LEAKER, str(rate_bytes_per_second), str(LEAK_CHUNK_BYTES))


def demo(places: Places, listen: Listener, *, guarded: bool) -> tuple[Result, Report]:
    """Run the demonstration; raises Absent where no cgroup can be made, because then there is nothing to prove."""
    wanted = Wanted(
        leaker(LEAK_BYTES_PER_SECOND),
        MEMORY_BYTES,
        run_policy(GRACE_SECONDS) if guarded else None,
        swap_bytes=0,
        restarts_max=1 if guarded else 0,
        notify=(),
        cgroup_required=True,
    )
    play = Play(listen)
    play.owner = (Owner if guarded else Unguarded)(wanted, places, play.hear)
    report = play.owner.run()
    peak = (report.peak_bytes or 0) / report.memory_bytes
    kills = report.kernel_kills or 0
    return Result(kills, report.warned_seconds_before_limit, report.captures, report.restarts, peak), report


class Unguarded(Owner):
    """A run that nobody guards; its use is told all the same, once a second, as the kernel counts it."""

    def _hear(self, poller: select.poll) -> None:
        super()._hear(poller)
        if self._enclosure is None:
            return
        cgroupfs = self._enclosure.cgroups.cgroupfs
        name = "memory.usage_in_bytes" if cgroupfs.version == 1 else "memory.current"
        try:
            used = cgroup.count(cgroupfs.read(self._enclosure.path, name, 64))
        except ForestallError:
            return
        stand = {"at": boottime_seconds(), "used": used, "limit": self._wanted.memory_bytes, "left": None}
        self._listen({"k": "stand", **stand, "confidence": 0.0, "shape": "nobody guards"})


class Play:
    """Follows the story, and ends it a few seconds after the restart."""

    def __init__(self, listen: Listener) -> None:
        self.owner: Owner | None = None
        self._listen = listen
        self._again_at: float | None = None
        self._ended = False

    def hear(self, message: dict[str, Any]) -> None:
        """Pass one line of the story on."""
        self._listen(message)
        if message["k"] == "again":
            self._again_at = float("inf")
        elif message["k"] == "stand" and self._again_at is not None:
            self._again_at = min(self._again_at, float(message["at"]))
            if not self._ended and float(message["at"]) - self._again_at >= AFTER_RESTART_SECONDS:
                self._ended = True
                assert self.owner is not None
                self.owner.end()
