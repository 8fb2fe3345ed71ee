"""Keys of settings."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.config import keys
from forestall.config.keys import convert, keys_of
from forestall.model.errors import Malformed


class Settings(NamedTuple):
    """One field of every kind."""

    path: str
    size_bytes: int = 1
    wait_seconds: float = 1.0
    level_ratio: float = 0.5
    count: int = 3
    factor: float = 2.0
    loud: bool = False
    argv: tuple[str, ...] = ()


def test_a_key_is_a_field_without_its_unit() -> None:
    """The unit tells what is written there."""
    found = {key.name: (key.field, key.kind, key.required) for key in keys_of(Settings).values()}
    assert found == {
        "path": ("path", keys.TEXT, True),
        "size": ("size_bytes", keys.SIZE, False),
        "wait": ("wait_seconds", keys.DURATION, False),
        "level": ("level_ratio", keys.RATIO, False),
        "count": ("count", keys.WHOLE, False),
        "factor": ("factor", keys.NUMBER, False),
        "loud": ("loud", keys.TRUTH, False),
        "argv": ("argv", keys.TEXTS, False),
    }


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (keys.TEXT, "x", "x"),
        (keys.SIZE, "10MiB", 10 * 2**20),
        (keys.SIZE, 300, 300),
        (keys.DURATION, "1m30s", 90.0),
        (keys.DURATION, 2, 2.0),
        (keys.RATIO, "80%", 0.8),
        (keys.WHOLE, 6, 6),
        (keys.WHOLE, "6", 6),
        (keys.NUMBER, 1.5, 1.5),
        (keys.NUMBER, "1.5", 1.5),
        (keys.TRUTH, True, True),
        (keys.TRUTH, "False", False),
        (keys.TEXTS, ["a", "b"], ("a", "b")),
    ],
)
def test_a_value_becomes_what_its_kind_means(kind: str, written: object, value: object) -> None:
    """Also from a text, which is what the environment gives."""
    assert convert(kind, written) == value


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (keys.TEXT, 1),
        (keys.SIZE, True),
        (keys.SIZE, "much"),
        (keys.DURATION, []),
        (keys.WHOLE, 1.5),
        (keys.WHOLE, True),
        (keys.WHOLE, "6.0"),
        (keys.NUMBER, "nan"),
        (keys.NUMBER, float("inf")),
        (keys.TRUTH, 1),
        (keys.TRUTH, "yes"),
        (keys.TEXTS, "a"),
        (keys.TEXTS, ["a", 1]),
    ],
)
def test_any_other_value_is_refused_with_what_was_expected(kind: str, written: object) -> None:
    """No guess is made."""
    with pytest.raises(Malformed):
        convert(kind, written)


KINDS = [keys.TEXT, keys.TEXTS, keys.TRUTH, keys.WHOLE, keys.NUMBER, keys.DURATION, keys.SIZE, keys.RATIO]


@given(
    st.sampled_from(KINDS), st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
)
def test_anything_gives_a_value_or_malformed(kind: str, written: Any) -> None:
    """Nothing else is raised."""
    try:
        value = convert(kind, written)
    except Malformed:
        return
    assert isinstance(value, (str, int, float, tuple))
