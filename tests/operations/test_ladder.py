"""The ladder of run and demo: the design's example with `terminate` as its last rung."""

from __future__ import annotations

from forestall.config.encode import decode, encode
from forestall.config.schema import Config
from forestall.operations.ladder import run_policy


def test_it_warns_first_and_stops_last() -> None:
    """Notify and capture on the first rung, terminate on the second, with the grace that was asked for."""
    policy = run_policy(7.5)
    assert [[deed.verb for deed in step.deeds] for step in policy.steps] == [["notify", "capture"], ["terminate"]]
    assert [step.irreversible for step in policy.steps] == [False, True]
    assert (policy.grace_seconds, policy.dry_run) == (7.5, False)
    assert run_policy(1.0, dry_run=True).dry_run


def test_it_reaches_the_guard_as_it_is() -> None:
    """What is written for the guard is read back equal."""
    config = Config(services=(run_policy(3.0),))
    assert decode(encode(config)).services == config.services
