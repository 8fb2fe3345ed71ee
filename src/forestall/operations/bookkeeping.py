"""What the story of a run's guard adds up to: peak, near misses, warnings, stops."""

from __future__ import annotations

from typing import Any

from forestall.model.action import CALLED_OFF, DONE, FAILED
from forestall.model.finding import Severity


class Bookkeeping:
    """What the guard's story adds up to."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self.peak_bytes = 0
        self.near_misses = 0
        self.captures = 0
        self.stops: list[str] = []
        self.restarts = 0
        self.stopping = False
        self.stopped_since_start = False
        self.told_to_end = False
        self.kernel_kills_seen = 0
        self.warned_seconds_before_limit: float | None = None
        self._warned_at: float | None = None
        self._stand: dict[str, Any] | None = None

    def take(self, message: dict[str, Any]) -> None:
        """Take in one line of the story."""
        kind = message.get("k")
        if kind == "stand":
            self._stand = message
            self.peak_bytes = max(self.peak_bytes, int(message["used"]))
            self.near_misses = max(self.near_misses, int(message.get("near_misses") or 0))
        elif kind in ("minimal", "captured"):
            self.captures += 1
        elif kind == "finding":
            self._take_finding(message["finding"], float(message["at"]))
        elif kind == "outcome":
            self._take_outcome(message["outcome"])

    def _take_finding(self, finding: dict[str, Any], at_seconds: float) -> None:
        if finding["rule"] != "step":
            return
        if self._warned_at is None:
            self._warned_at = at_seconds
        if finding["severity"] == Severity.CRITICAL and not self.stopping:
            self.stopping = True
            self._measure_warning(at_seconds)

    def _measure_warning(self, at_seconds: float) -> None:
        """Say how long before the limit the first warning came: until now, and as long as was still left."""
        if self.warned_seconds_before_limit is not None or self._warned_at is None or self._stand is None:
            return
        left = self._stand.get("left")
        if left is None and (growth := float(self._stand.get("growth") or 0.0)) > 0:
            left = (self._stand["limit"] - self._stand["used"]) / growth
        if left is not None:
            self.warned_seconds_before_limit = at_seconds - self._warned_at + max(0.0, float(left))

    def _take_outcome(self, outcome: dict[str, Any]) -> None:
        if outcome["deed"]["verb"] not in ("terminate", "restart"):
            return
        self.stopping = False
        if outcome["result"] == DONE:
            self.stopped_since_start = True
            self.stops.append(outcome["words"])
        elif outcome["result"] in (FAILED, CALLED_OFF):
            self.stops.append(f"{outcome['result']}: {outcome['words']}")
