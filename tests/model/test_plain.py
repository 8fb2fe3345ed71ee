"""Values as plain JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.action import Deed, Notice, Outcome
from forestall.model.errors import Malformed
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.frame import Frame, Note
from forestall.model.plain import plain, value
from forestall.model.target import UNIT, Target
from tests.support.frames import frame, kill

TARGET = Target(UNIT, "/system.slice/api.service#7", "api.service", "/system.slice/api.service")
FINDING = Finding("step", TARGET, Severity.CRITICAL, "used 95 %", (Evidence("used", 1.5, "bytes", "cgroup"),), 12.25)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "known",
    [
        FINDING,
        Outcome("a1", TARGET, Deed("capture", ("heap", "goroutines")), "done", "", 1.0, 0.25),
        Notice("n1", 2.5, int(Severity.WARNING), TARGET, "growing", (("used", "1"),)),
        kill("api.service"),
        frame(kills=(kill("api.service"),)),
    ],
)
def test_a_value_comes_back_from_json_as_it_was(known: Any) -> None:
    """Nested values, enums, optional numbers and tuples of pairs survive JSON."""
    assert value(type(known), json.loads(json.dumps(plain(known)))) == known


def test_a_field_that_is_missing_takes_its_default_and_an_unknown_one_is_ignored() -> None:
    """Files of neighbouring releases stay readable."""
    assert value(Deed, {"verb": "notify", "new in 2.0": 1}) == Deed("notify")


@pytest.mark.parametrize(
    ("kind", "written", "words"),
    [
        (Note, {"what": "x", "why": "y"}, "lacks remedy"),
        (Note, [], "not an object"),
        (Note, {"what": 1, "why": "", "remedy": ""}, "Note.what is not str"),
        (Deed, {"verb": "x", "arguments": "abc"}, "not an array"),
        (Frame, {"moment": None}, "not an object"),
    ],
)
def test_what_is_wrong_is_named(kind: type[Any], written: object, words: str) -> None:
    """The error says which field is wrong and how."""
    with pytest.raises(Malformed, match=words):
        value(kind, written)


@pytest.mark.parametrize("severity", [True, 7, "critical", None])
def test_an_enum_takes_its_own_numbers_only(severity: object) -> None:
    """A severity that does not exist is refused."""
    written = plain(FINDING)
    assert isinstance(written, dict)
    with pytest.raises(Malformed):
        value(Finding, {**written, "severity": severity})


@pytest.mark.parametrize("number", [10**400, True, "1", None])
def test_a_number_has_to_be_one_that_fits(number: object) -> None:
    """A float field refuses truths, texts and integers beyond any counter."""
    with pytest.raises(Malformed):
        value(Evidence, {"name": "", "value": number, "unit": "", "signal": ""})


@given(JSON)
def test_any_json_gives_a_value_or_malformed(written: object) -> None:
    """Nothing but Malformed comes out of a hostile document."""
    for kind in (Finding, Outcome, Frame, Deed):
        try:
            assert isinstance(value(kind, written), kind)
        except Malformed:
            continue


def test_a_type_without_a_plain_form_is_our_mistake() -> None:
    """A set in a value is a mistake in the program, not in a file."""
    with pytest.raises(TypeError):
        plain((frozenset(),))
