"""How long a command rests before its next start."""

from __future__ import annotations

from forestall.operations.backoff import LONGEST_SECONDS, SETTLED_SECONDS, Backoff


def test_each_rest_is_twice_the_one_before_up_to_the_longest() -> None:
    """0.1 s, 0.2 s, 0.4 s, ... and never more than half a minute."""
    backoff = Backoff()
    rests = [backoff.rest_seconds(0.5) for _ in range(12)]
    assert rests[:4] == [0.1, 0.2, 0.4, 0.8]
    assert rests[-2:] == [LONGEST_SECONDS, LONGEST_SECONDS]


def test_a_run_that_lasted_is_forgiven() -> None:
    """After ten sound seconds the next failure rests as shortly as the first."""
    backoff = Backoff()
    for _ in range(6):
        backoff.rest_seconds(0.0)
    assert backoff.rest_seconds(SETTLED_SECONDS - 0.01) > 1.0
    assert backoff.rest_seconds(SETTLED_SECONDS) == 0.1
    assert backoff.rest_seconds(0.0) == 0.2
