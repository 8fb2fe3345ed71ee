"""A threshold that does not flutter: raised after a while above its level, lowered after a while clearly below it."""

from __future__ import annotations


class Latch:
    """Remembers since when one value is above (or back below) its levels. Times in boottime seconds."""

    __slots__ = ("raised", "since", "_above", "_below")

    def __init__(self) -> None:
        self.raised = False
        self.since = 0.0
        """When the value rose above its level; meaningful while `raised`."""
        self._above: float | None = None
        self._below: float | None = None

    def feed(
        self,
        value: float | None,
        now: float,
        *,
        raise_above: float,
        clear_below: float,
        hold_seconds: float = 0.0,
        clear_seconds: float = 0.0,
    ) -> bool:
        """Take the value at `now` (None = unknown, which counts as clear) and return whether the latch is raised."""
        if self.raised:
            self._lower(value is None or value < clear_below, now, clear_seconds)
        else:
            self._raise(value is not None and value > raise_above, now, hold_seconds)
        return self.raised

    def _raise(self, above: bool, now: float, hold_seconds: float) -> None:
        if not above:
            self._above = None
            return
        if self._above is None:
            self._above = now
        if now - self._above >= hold_seconds:
            self.raised, self.since, self._below = True, self._above, None

    def _lower(self, below: bool, now: float, clear_seconds: float) -> None:
        if not below:
            self._below = None
            return
        if self._below is None:
            self._below = now
        if now - self._below >= clear_seconds:
            self.raised, self._above = False, None
