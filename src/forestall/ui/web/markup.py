"""Text as HTML and SVG: the five characters that would end it (HTML standard, 13.3), without html's half mebibyte."""

from __future__ import annotations


def escape(text: str) -> str:
    """The text so that it stays text, inside elements and quoted attributes."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace('"', "&quot;").replace("'", "&#x27;")
