"""Text stays text in a page."""

from __future__ import annotations

from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from forestall.ui.web.markup import escape


@given(st.text())
def test_nothing_ends_the_text(text: str) -> None:
    """No character that opens or closes an element or attribute is left, and a browser reads the same text back."""
    safe = escape(text)
    assert not set(safe) & set("<>\"'")
    assert unescape(safe) == text or "&" in text
    assert unescape(escape("&lt;")) == "&lt;"
