"""The configuration on its way to the guard."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.config.encode import decode, encode
from forestall.config.schema import AgentSettings, Config, Plugged, StoreSettings
from forestall.model.action import Deed
from forestall.model.errors import Malformed
from forestall.model.policy import Policy, Step
from forestall.parse import condition

CONDITIONS = ["used > 80% of limit for 30s or time_to_limit < 10m", "not (kills > 0 in 10m)", "pressure > 20%"]
DEEDS = [Deed("notify"), Deed("restart"), Deed("capture", ("heap", "goroutines"))]
TEXTS = st.text(max_size=8)
STEPS = st.builds(
    lambda text, deeds: Step(condition.parse(text), tuple(deeds), text),
    st.sampled_from(CONDITIONS),
    st.lists(st.sampled_from(DEEDS), min_size=1, max_size=3),
)
SECONDS = st.floats(0, 1e6)
POLICIES = st.builds(
    Policy,
    TEXTS,
    st.lists(STEPS, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
    SECONDS,
    SECONDS,
    st.integers(0, 100),
    st.booleans(),
    st.lists(TEXTS, max_size=3).map(tuple),
    st.lists(TEXTS, max_size=3).map(tuple),
    TEXTS,
    st.booleans(),
)
SETTINGS = TEXTS | st.integers(-(2**60), 2**60) | st.booleans() | SECONDS | st.lists(TEXTS, max_size=2).map(tuple)
PLUGGED = st.builds(Plugged, TEXTS, st.dictionaries(TEXTS, SETTINGS, max_size=3).map(lambda each: tuple(each.items())))
CONFIGS = st.builds(
    Config,
    st.builds(AgentSettings, SECONDS, SECONDS),
    st.builds(StoreSettings, SECONDS, SECONDS, SECONDS, SECONDS, st.integers(0, 2**60)),
    st.lists(PLUGGED, max_size=2).map(tuple),
    st.lists(PLUGGED, max_size=2).map(tuple),
    st.lists(POLICIES, max_size=3).map(tuple),
    st.lists(TEXTS, max_size=2).map(tuple),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(CONFIGS)
def test_a_configuration_comes_back_from_json_as_it_was(config: Config) -> None:
    """Conditions and deeds are read again from their text."""
    assert decode(json.loads(json.dumps(encode(config)))) == config


@given(st.sampled_from(sorted(encode(Config()))), JSON)
def test_any_part_that_is_not_ours_is_malformed_or_harmless(part: str, written: Any) -> None:
    """Nothing else is raised."""
    try:
        assert isinstance(decode({**encode(Config()), part: written}), Config)
    except Malformed:
        return


@given(JSON)
def test_any_policy_that_is_not_ours_is_malformed(written: Any) -> None:
    """Also one that is not an object at all."""
    with pytest.raises(Malformed):
        decode({**encode(Config()), "services": [written]})


def test_another_version_is_refused() -> None:
    """A guard and a recorder of different releases do not guess."""
    with pytest.raises(Malformed, match="version"):
        decode({**encode(Config()), "version": 2})


def test_reading_it_back_loads_no_toml_reader() -> None:
    """The guard has no place for one."""
    script = (
        "import sys\n"
        f"sys.path[:0] = {[path for path in sys.path if path]!r}\n"
        "from forestall.config.encode import decode\n"
        "print([name for name in ('tomllib', 'dataclasses', 'difflib', 'importlib.metadata') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
