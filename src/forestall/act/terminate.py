"""Stop all processes of a target: TERM to each, a grace, then KILL until none is left.

Every process is held by its pidfd (pidfd_open(2)) and looked up again after it
is held: still in this cgroup, or it is let go. A pid that was reused meanwhile
is another process and never hit.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Final, NamedTuple

from forestall.model.action import DONE, FAILED
from forestall.model.errors import Absent, Denied, ForestallError
from forestall.system.process import Held

MARGIN_SECONDS: Final = 0.12
"""KILL goes out when, at the observed rate, the limit is nearer than this: a few looks of 20 ms, the signal's way."""
BURST_MARGIN_SECONDS: Final = 0.045
"""... or nearer than this at the rate since the last look alone: two looks, for what is faster than the mean knows."""
HEADROOM_BYTES_MIN: Final = 2 * 1024 * 1024
"""... or when this little is left, whatever the rate: page-table and per-CPU charges come in such steps."""
DEATH_SECONDS_MAX: Final = 30.0
"""After KILL the processes are gone within this, or the act has failed (uninterruptible sleep)."""
PROCESSES_MAX: Final = 10_000


class Progress(NamedTuple):
    """How far a termination is: `result` is "" while it runs."""

    result: str
    words: str
    next_look_seconds: float


class Termination:
    """One running termination. `members` lists the pids of the target now; `belongs` looks a pid up again."""

    def __init__(
        self,
        members: Callable[[], list[int]],
        belongs: Callable[[int], bool],
        grace_seconds: float,
        now_seconds: float,
    ) -> None:
        self._members = members
        self._belongs = belongs
        self._grace_seconds = max(0.0, grace_seconds)
        self._began = now_seconds
        self._killing_since: float | None = None
        self._why_kill = ""
        self._held: dict[int, Held] = {}
        self._signalled = 0
        self._denied = ""

    def step(
        self,
        now_seconds: float,
        headroom_bytes: float,
        rate_bytes_per_second: float,
        burst_bytes_per_second: float = 0.0,
    ) -> Progress:
        """Signal what has to be signalled at this look and say how far it is; never waits.

        `headroom_bytes` and the rates are the target's as just read: over some looks, and since the last one.
        """
        alive = self._hold_members()
        if not alive:
            return self._ended(now_seconds)
        if self._killing_since is None:
            rates = rate_bytes_per_second, burst_bytes_per_second
            self._why_kill = self._reason_to_kill(now_seconds, headroom_bytes, *rates)
            if self._why_kill:
                self._killing_since = now_seconds
        if self._killing_since is not None:
            self._signal_all(signal.SIGKILL)
            if now_seconds - self._killing_since > DEATH_SECONDS_MAX:
                words = f"{alive} processes outlived SIGKILL by {DEATH_SECONDS_MAX:g} s {self._denied}".strip()
                return Progress(FAILED, words, 0.0)
        return Progress("", "", 0.02)

    def _reason_to_kill(self, now_seconds: float, headroom_bytes: float, rate: float, burst: float) -> str:
        lasted = now_seconds - self._began
        if lasted >= self._grace_seconds:
            return f"the grace of {self._grace_seconds:g} s was over"
        if headroom_bytes < HEADROOM_BYTES_MIN:
            return f"only {max(0.0, headroom_bytes) / 2**20:.1f} MiB were left"
        for pace, margin in ((rate, MARGIN_SECONDS), (burst, BURST_MARGIN_SECONDS)):
            if pace > 0 and headroom_bytes / pace < margin:
                left_milliseconds = headroom_bytes / pace * 1000
                return f"the limit was {left_milliseconds:.0f} ms away at {pace / 2**20:.0f} MiB/s"
        return ""

    def _hold_members(self) -> int:
        """Hold and TERM who is new, let go who has ended or moved away; return how many are left."""
        members = set(self._members()[:PROCESSES_MAX])
        for pid in members - self._held.keys():
            self._hold(pid)
        for pid in [pid for pid, held in self._held.items() if not held.alive() or self._has_left(pid, members)]:
            self._held.pop(pid).close()
        return len(self._held)

    def _has_left(self, pid: int, members: set[int]) -> bool:
        """Whether a process is somewhere else now (on v1 one that is exiting says "/", but is listed to its end)."""
        return pid not in members and not self._belongs(pid)

    def _hold(self, pid: int) -> None:
        try:
            held = Held(pid)
        except Absent:
            return
        except ForestallError as error:
            self._denied = str(error)
            return
        if not self._belongs(pid):
            held.close()
            return
        self._held[pid] = held
        self._signal(held, signal.SIGTERM)

    def _signal_all(self, number: int) -> None:
        for held in self._held.values():
            self._signal(held, number)

    def _signal(self, held: Held, number: int) -> None:
        try:
            held.signal(number)
            self._signalled += 1
        except Absent:
            return
        except Denied as error:
            self._denied = str(error)

    def _ended(self, now_seconds: float) -> Progress:
        lasted = now_seconds - self._began
        if self._denied and not self._signalled:
            return Progress(FAILED, self._denied, 0.0)
        if not self._signalled:
            return Progress(DONE, "nothing was left to stop", 0.0)
        if self._killing_since is None:
            return Progress(DONE, f"stopped with SIGTERM, gone after {lasted:.2f} s", 0.0)
        after = self._killing_since - self._began
        return Progress(DONE, f"SIGTERM, then SIGKILL after {after:.2f} s because {self._why_kill}", 0.0)

    def close(self) -> None:
        """Let all processes go."""
        for held in self._held.values():
            held.close()
        self._held.clear()


PLUGIN = Termination
