"""Conditions and deeds of a policy step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.action import VERBS, Deed
from forestall.model.condition import All, Comparison, Condition, Either, For, Not
from forestall.model.errors import Malformed
from forestall.parse import condition

A, B, C = "kills > 1", "kills > 2", "kills > 3"


def kills(count: int) -> Comparison:
    """The tree of `kills > count`."""
    return Comparison("kills", ">", float(count), "count")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (A, kills(1)),
        (f"({A})", kills(1)),
        (f"{A} or {B} or {C}", Either((kills(1), kills(2), kills(3)))),
        (f"{A} and {B} or {C}", Either((All((kills(1), kills(2))), kills(3)))),
        (f"{A} and ({B} or {C})", All((kills(1), Either((kills(2), kills(3)))))),
        (f"not {A}", Not(kills(1))),
        (f"not {A} and {B}", All((Not(kills(1)), kills(2)))),
        (f"{A} for 30s", For(kills(1), 30.0)),
        (f"{A} or {B} for 30s", Either((kills(1), For(kills(2), 30.0)))),
        (f"({A} or {B}) for 1m30s", For(Either((kills(1), kills(2))), 90.0)),
        (f"not {A} for 30s", For(Not(kills(1)), 30.0)),
        (f"not ({A} for 30s)", Not(For(kills(1), 30.0))),
        (f"({A} for 30s) for 60s", For(For(kills(1), 30.0), 60.0)),
        (f"({A} and {B}) and {C}", All((All((kills(1), kills(2))), kills(3)))),
    ],
)
def test_the_grammar_binds_as_written(text: str, tree: Condition) -> None:
    """`or` binds weakest, then `and`, then `for`, then `not`; brackets change that and leave no trace."""
    assert condition.parse(text) == tree
    assert condition.parse(condition.unparse(tree)) == tree


def test_the_example_of_the_design_is_understood() -> None:
    """The two conditions that people will copy first."""
    first = condition.parse("used > 80% of limit for 30s or time_to_limit < 10m")
    assert first == Either(
        (
            For(Comparison("used", ">", 0.8, "ratio of limit"), 30.0),
            Comparison("time_to_limit", "<", 600.0, "seconds"),
        )
    )
    assert isinstance(condition.parse("used > 92% of limit or time_to_limit < 60s"), Either)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "column 1: ends too early .expected: one of used, headroom"),
        ("   ", "column 4: ends too early"),
        (f"{A} {B}", 'column 11: "kills" does not belong here .expected: and, or, for, or the end'),
        (f"{A} or", "column 13: ends too early"),
        (f"({A}", r'column 11: a bracket is not closed .expected: "\)"'),
        (f"{A})", r'column 10: "\)" does not belong here'),
        ("()", r'column 2: unknown name "\)"'),
        (f"not not {A}", 'column 5: unknown name "not"'),
        (f"{A} for", "column 14: ends too early .expected: a duration"),
        (f"{A} for 30", "column 17: 30 needs a unit of time"),
        (f"{A} for 30s for 40s", 'column 19: "for" does not belong here'),
        ("used ** 3", "column 6"),
    ],
)
def test_every_mistake_is_pointed_at(text: str, why: str) -> None:
    """The column and what would be right."""
    with pytest.raises(Malformed, match=why):
        condition.parse(text)


def test_brackets_are_bounded() -> None:
    """As many as anybody needs, and no more than the stack can hold."""
    deepest = condition.DEPTH_MAX
    assert condition.parse("(" * deepest + A + ")" * deepest) == kills(1)
    with pytest.raises(Malformed, match=f"column {deepest + 1}: more than {deepest} brackets"):
        condition.parse("(" * (deepest + 1) + A + ")" * (deepest + 1))
    with pytest.raises(Malformed):
        condition.parse("(" * 1000)


def test_the_length_is_bounded() -> None:
    """A condition is a line, not a file."""
    with pytest.raises(Malformed, match="longer than 1000 characters"):
        condition.parse(" or ".join([A] * 200))


LEAVES = st.sampled_from(
    [
        condition.parse(text)
        for text in (
            "used > 80% of limit", "headroom < 50MiB", "growth > 5MiB/m", "time_to_limit < 90s", "pressure > 20%",
            "kills > 0 in 10m", "near_misses >= 2",
        )
    ]
)  # fmt: skip
TREES: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(For, inner, st.sampled_from([0.25, 30.0, 90.0, 3600.0])),
        st.builds(All, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Either, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_tree_written_as_text_is_the_same_tree(tree: Condition) -> None:
    """Any tree the grammar can make comes through text unchanged."""
    text = condition.unparse(tree)
    if len(text) <= 1000:
        assert condition.parse(text) == tree


PIECES = st.sampled_from(
    [
        "used > 80% of limit", "kills > 1 in 5m", "growth > 1MiB/s", "and", "or", "not", "(", ")",
        "for 30s", "used", "<", "1",
    ]
)  # fmt: skip


def refusal(text: str) -> Malformed | None:
    """The error that reading `text` gives, None when it is read."""
    try:
        condition.parse(text)
    except Malformed as error:
        return error
    return None


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_any_order_of_known_words_is_read_or_refused(text: str) -> None:
    """Nothing but Malformed, in few words; what is read can be written and read again."""
    error = refusal(text)
    if error is None:
        tree = condition.parse(text)
        assert condition.parse(condition.unparse(tree)) == tree
    else:
        assert error.why.startswith("column ")
        assert len(error.why) < 300


@given(st.text(max_size=1200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but Malformed, whatever the characters, and the message can be printed."""
    error = refusal(text)
    assert error is None or str(error).isprintable()


def test_deeds_are_read_with_their_arguments() -> None:
    """`capture` may say what to keep."""
    assert condition.deeds(["notify", "capture heap goroutines"]) == (
        Deed("notify"),
        Deed("capture", ("heap", "goroutines")),
    )
    assert {deed.verb for deed in condition.deeds(sorted(VERBS))} == VERBS


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "nothing to do"),
        (["reboot"], "unknown verb 'reboot' .known: capture, command, notify, restart, terminate"),
        (["notify", ""], "unknown verb ''"),
        (["Restart"], "unknown verb 'Restart'"),
        (["restart now"], "'restart' takes no arguments, 'now' was given"),
        (["notify"] * 17, "more than 16 deeds"),
        (["capture " + "x" * 200], "longer than 200 characters"),
    ],
)
def test_deeds_that_this_release_does_not_know_are_refused_by_name(words: list[str], why: str) -> None:
    """A word that would be ignored could be the one that matters."""
    with pytest.raises(Malformed, match=why):
        condition.deeds(words)


@given(st.lists(st.text(max_size=250), max_size=20))
def test_any_words_are_deeds_or_refused(words: list[str]) -> None:
    """Nothing but Malformed, and never a deed less than was written."""
    try:
        found = condition.deeds(words)
    except Malformed:
        return
    assert len(found) == len(words)
