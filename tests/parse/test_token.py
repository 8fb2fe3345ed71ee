"""Words, numbers and signs of a condition."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse.token import TEXT_CHARACTERS_MAX, Token, Tokens


def test_a_text_is_split_with_columns() -> None:
    """Blanks part tokens but are not needed."""
    tokens = Tokens(" used>=80.5 %")
    assert [tokens.take("more") for _ in range(4)] == [
        Token("used", 2),
        Token(">=", 6),
        Token("80.5", 8, number=True),
        Token("%", 13),
    ]
    assert tokens.peek() is None


def test_a_token_is_accepted_only_when_it_is_next() -> None:
    """What is not accepted stays."""
    tokens = Tokens("not used")
    assert not tokens.accept("used")
    assert tokens.accept("not")
    assert tokens.accept("used")
    assert not tokens.accept("used")


def test_the_end_says_what_is_missing() -> None:
    """The error points behind the text."""
    with pytest.raises(Malformed, match=r"column 1: ends too early \(expected: a name"):
        Tokens("").take("a name")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("used ! 1", "column 6: '!' does not belong"),
        ("used > ٣", "column 8"),
        ("x\ufeff", "column 2"),
        ("1234567890123456", "column 1: number has more than 15 digits"),
        ("1.1234567", "column 1: number has more"),
        ("a" * (TEXT_CHARACTERS_MAX + 1), "longer than 1000 characters"),
    ],
)
def test_what_is_no_token_is_malformed(text: str, why: str) -> None:
    """Foreign characters and endless numbers are pointed at."""
    with pytest.raises(Malformed, match=why):
        Tokens(text)
