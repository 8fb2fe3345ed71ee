r"""Names from the kernel as text that is safe on one line of a terminal, a log or a page.

Process and cgroup names are any bytes but NUL (cgroups: also no newline and no
slash). Bytes that are not UTF-8 become \xNN, a newline \n, a tab \t, other
characters that do not print (controls, escape sequences, direction marks) \xNN
or \uNNNN. A backslash stays as it is, because systemd's unit names are full of
them (`dev-disk-by\x2duuid`), so the result is for reading, not for reading back.
"""

from __future__ import annotations

from typing import Final

NAME_BYTES_MAX: Final = 4096
"""PATH_MAX (limits.h): no name that the kernel gives is longer."""

_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def printable(raw: bytes | str) -> str:
    """`raw` as one line of printable text, cut at NAME_BYTES_MAX; a str may hold surrogate-escaped bytes."""
    text = decode(raw) if isinstance(raw, bytes) else raw
    text = text[:NAME_BYTES_MAX]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def decode(raw: bytes) -> str:
    """`raw` as file names are held in Python (UTF-8, other bytes surrogate-escaped): it leads back to the file."""
    return raw.decode("utf-8", "surrogateescape")


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
