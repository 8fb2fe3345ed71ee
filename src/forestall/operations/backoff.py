"""How long a command rests before it is started again: the sooner it failed, and the more often, the longer."""

from __future__ import annotations

from typing import Final

FIRST_SECONDS: Final = 0.1
LONGEST_SECONDS: Final = 30.0
SETTLED_SECONDS: Final = 10.0
"""A command that ran this long counts as sound: after it the waiting begins anew."""


class Backoff:
    """Doubles from FIRST_SECONDS to LONGEST_SECONDS."""

    def __init__(self) -> None:
        self._next_seconds = FIRST_SECONDS

    def rest_seconds(self, lasted_seconds: float) -> float:
        """Return how long to wait now, after a run that lasted `lasted_seconds`."""
        if lasted_seconds >= SETTLED_SECONDS:
            self._next_seconds = FIRST_SECONDS
        rest = self._next_seconds
        self._next_seconds = min(2 * rest, LONGEST_SECONDS)
        return rest
