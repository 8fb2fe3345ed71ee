"""The configuration as plain values: what `load` makes of the files, and what everything else is given."""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.policy import Policy

Setting = str | int | float | bool | tuple[str, ...]
"""A plug-in's setting after conversion: sizes in bytes, durations in seconds."""

DAY_SECONDS: Final = 86_400.0


class AgentSettings(NamedTuple):
    """`[agent]`: how often everything is recorded, and how often targets at risk are."""

    interval_seconds: float = 10.0
    interval_at_risk_seconds: float = 1.0


class StoreSettings(NamedTuple):
    """`[store]`: how long each tier is kept (store/schema.py), and the most that all may take."""

    recent_seconds: float = DAY_SECONDS
    long_seconds: float = 30 * DAY_SECONDS
    year_seconds: float = 366 * DAY_SECONDS
    episodes_seconds: float = 30 * DAY_SECONDS
    size_bytes: int = 2 * 1024**3


class Plugged(NamedTuple):
    """One `[notify.NAME]` or `[act.NAME]`: the plug-in's name and its settings by field name."""

    name: str
    values: tuple[tuple[str, Setting], ...] = ()


class Config(NamedTuple):
    """Everything that the files say. Without any file: watch everything, warn on stderr, touch nothing."""

    agent: AgentSettings = AgentSettings()
    store: StoreSettings = StoreSettings()
    notify: tuple[Plugged, ...] = (Plugged("journal"),)
    act: tuple[Plugged, ...] = ()
    services: tuple[Policy, ...] = ()
    files: tuple[str, ...] = ()


BOUNDS: Final = {
    "agent.interval": (0.1, 3600.0),
    "agent.interval_at_risk": (0.1, 60.0),
    "service.grace": (0.0, 3600.0),
    "service.cooldown": (0.0, 7 * DAY_SECONDS),
    "service.max_acts_per_hour": (0, 3600),
}
"""Lowest and highest value of the numbers that have any, in SI units, by `table.key`."""
