"""The configuration's values."""

from __future__ import annotations

from forestall.config.keys import keys_of
from forestall.config.schema import BOUNDS, AgentSettings, Config, StoreSettings
from forestall.config.service import SERVICE_KEYS


def test_defaults_touch_nothing() -> None:
    """No policy, so nothing to act upon."""
    assert Config().services == ()
    assert Config().act == ()


def test_bounds_are_of_keys_that_exist_and_hold_the_defaults() -> None:
    """A renamed key would lose its bounds silently otherwise."""
    known = {"agent": keys_of(AgentSettings), "store": keys_of(StoreSettings), "service": SERVICE_KEYS}
    for name, (low, high) in BOUNDS.items():
        table, _, key = name.partition(".")
        assert key in known[table]
        assert low < high
    for field, value in AgentSettings()._asdict().items():
        low, high = BOUNDS[f"agent.{field.removesuffix('_seconds')}"]
        assert low <= value <= high
