"""References to the environment."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.config.environment import expand
from forestall.config.lines import Path

ENVIRONMENT = {"NAME": "value", "EMPTY": "", "NESTED": "${NAME}"}


def expanded(parsed: Any) -> tuple[Any, list[tuple[Path, str]]]:
    """The result and the complaints."""
    complaints: list[tuple[Path, str]] = []
    return expand(parsed, ENVIRONMENT, lambda path, words: complaints.append((path, words))), complaints


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${NAME}", "value"),
        ("a ${NAME} b ${NAME}", "a value b value"),
        ("${NONE:default}", "default"),
        ("${NAME:default}", "value"),
        ("${NONE:http://127.0.0.1:9000/hook}", "http://127.0.0.1:9000/hook"),
        ("${NONE:}", ""),
        ("${EMPTY:default}", ""),
        ("${NESTED}", "${NAME}"),
        ("$NAME {NAME} $", "$NAME {NAME} $"),
    ],
)
def test_a_reference_is_replaced(text: str, result: str) -> None:
    """By the value, else by what follows the first colon; a value is not expanded again."""
    assert expanded({"key": [text]}) == ({"key": [result]}, [])


@pytest.mark.parametrize("text", ["${NONE}", "${}", "${1A}", "${NAME", "${A B:x}", "${:x}"])
def test_what_cannot_be_replaced_is_told_with_its_path(text: str) -> None:
    """Neither value nor default, or not a name."""
    _, complaints = expanded({"service": [{"go": text}]})
    assert [path for path, _ in complaints] == [("service", 0, "go")]


def test_keys_and_other_values_are_left_alone() -> None:
    """Only strings that are values are looked at."""
    parsed = {"${NAME}": 1, "x": True, "y": [1.5]}
    assert expanded(parsed) == (parsed, [])


@given(st.text("${}:NAME1_ ", max_size=20))
def test_any_text_gives_a_text(text: str) -> None:
    """Nothing is raised, whatever stands there."""
    result, _ = expanded(text)
    assert isinstance(result, str)
