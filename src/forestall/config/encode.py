"""A configuration as plain JSON and back: it is parsed in a child process, and the guard is handed the result.

Conditions and deeds travel as the text they were written in and are read again by `parse.condition`, so the guard
needs no TOML reader, and there is only one reading of a condition.
"""

from __future__ import annotations

from typing import Any, Final

from forestall.config.schema import AgentSettings, Config, Plugged, Setting, StoreSettings
from forestall.model.action import Deed
from forestall.model.errors import Malformed
from forestall.model.plain import plain, value
from forestall.model.policy import Policy, Step
from forestall.parse import condition

VERSION: Final = 1
_SOURCE: Final = "configuration"


def encode(config: Config) -> dict[str, Any]:
    """The configuration in JSON types."""
    return {
        "version": VERSION,
        "agent": plain(config.agent),
        "store": plain(config.store),
        "notify": [{"name": plugged.name, "values": _settings(plugged)} for plugged in config.notify],
        "act": [{"name": plugged.name, "values": _settings(plugged)} for plugged in config.act],
        "services": [_policy(policy) for policy in config.services],
        "files": list(config.files),
    }


def decode(written: dict[str, Any]) -> Config:
    """The configuration out of JSON types; raises Malformed for what `encode` has not made."""
    try:
        if written["version"] != VERSION:
            raise Malformed(_SOURCE, f"version {written['version']!r}, not {VERSION}")
        return Config(
            value(AgentSettings, written["agent"]),
            value(StoreSettings, written["store"]),
            tuple(_read_plugged(plugged) for plugged in written["notify"]),
            tuple(_read_plugged(plugged) for plugged in written["act"]),
            tuple(_read_policy(policy) for policy in written["services"]),
            tuple(str(name) for name in written["files"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed(_SOURCE, f"{type(error).__name__}: {error}") from None


def _settings(plugged: Plugged) -> dict[str, Any]:
    return {name: plain(setting) for name, setting in plugged.values}


def _policy(policy: Policy) -> dict[str, Any]:
    fields = plain(policy._replace(steps=()))
    assert isinstance(fields, dict)
    steps = [{"when": step.text, "do": [_word(deed) for deed in step.deeds]} for step in policy.steps]
    return {**fields, "steps": steps}


def _word(deed: Deed) -> str:
    return " ".join((deed.verb, *deed.arguments))


def _read_plugged(written: dict[str, Any]) -> Plugged:
    values = tuple((str(name), _read_setting(setting)) for name, setting in written["values"].items())
    return Plugged(str(written["name"]), values)


def _read_setting(written: object) -> Setting:
    if isinstance(written, list):
        return tuple(str(part) for part in written)
    if isinstance(written, (str, int, float, bool)):
        return written
    raise Malformed(_SOURCE, "a setting that is neither text, number, truth nor list")


def _read_policy(written: dict[str, Any]) -> Policy:
    steps = tuple(_read_step(step) for step in written["steps"])
    fields = {name: part for name, part in written.items() if name != "steps"}
    return value(Policy, fields)._replace(steps=steps)


def _read_step(written: dict[str, Any]) -> Step:
    text, words = written["when"], written["do"]
    if not isinstance(text, str) or not all(isinstance(word, str) for word in words):
        raise Malformed(_SOURCE, "a step that is not text")
    return Step(condition.parse(text), condition.deeds(words), text)
