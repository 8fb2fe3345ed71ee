"""Values come back from positional JSON exactly as their annotations promise, or not at all."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.errors import Malformed
from forestall.model.finding import Severity
from forestall.query.records import shape


class Inner(NamedTuple):
    """A value inside another."""

    name: str
    severity: Severity


class Outer(NamedTuple):
    """One of everything that travels."""

    flag: bool
    number: int
    ratio: float
    maybe: float | None
    pair: tuple[str, int]
    inners: tuple[Inner, ...]
    named: dict[str, Inner]


SAMPLE = Outer(True, 7, 0.5, None, ("a", 1), (Inner("x", Severity.CRITICAL),), {"k": Inner("y", Severity.INFO)})


def written(**changes: Any) -> list[Any]:
    """The sample as JSON holds it, with some fields replaced."""
    fields = dict(zip(Outer._fields, json.loads(json.dumps(SAMPLE)), strict=True))
    return list((fields | changes).values())


def test_every_kind_of_field_comes_back() -> None:
    """What json wrote of a named tuple reads back as the same values in the same types."""
    back = shape(Outer, "test")(written())
    assert back == SAMPLE
    assert isinstance(back.inners[0], Inner)
    assert isinstance(back.inners[0].severity, Severity)


@pytest.mark.parametrize(
    "changes",
    [
        {"flag": 1},
        {"number": 1.0},
        {"number": True},
        {"number": 2**64},
        {"ratio": "0.5"},
        {"ratio": 10**400},
        {"maybe": []},
        {"pair": ["a"]},
        {"pair": "ab"},
        {"inners": {}},
        {"inners": [["x"]]},
        {"inners": [["x", 9]]},
        {"inners": [["\ud800", 0]]},
        {"named": []},
        {"named": {"\udfff": ["y", 0]}},
    ],
)
def test_a_wrong_value_is_malformed(changes: dict[str, Any]) -> None:
    """A value of another type, range or length than the annotation is refused, and the document is named."""
    with pytest.raises(Malformed, match="test"):
        shape(Outer, "test")(written(**changes))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_any_json_reads_or_is_malformed(value: object) -> None:
    """Whatever JSON stands there, the reader raises nothing but Malformed."""
    try:
        shape(Outer, "test")(value)
    except Malformed:
        return
    pytest.fail("no such value is an Outer")


def test_whole_numbers_serve_as_floats() -> None:
    """JSON does not tell 1 from 1.0, so a float field takes both and gives a float."""
    back = shape(Outer, "test")(written(ratio=1))
    assert back.ratio == 1.0
    assert type(back.ratio) is float
