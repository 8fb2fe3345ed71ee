"""Keys of a table by the fields of a settings type: a field's name tells its unit, so the key is written without it.

interval_seconds: float    interval = "10s"
size_bytes: int            size = "512MiB"
level_ratio: float         level = "80%"
path: str                  path = "..."
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_type_hints

from forestall.config.schema import Setting
from forestall.model.errors import Malformed
from forestall.model.units import parse_bytes, parse_duration, parse_ratio

TEXT: Final = "text"
TEXTS: Final = "list of texts"
TRUTH: Final = "true or false"
WHOLE: Final = "whole number"
NUMBER: Final = "number"
DURATION: Final = 'duration such as "10s"'
SIZE: Final = 'size such as "512MiB"'
RATIO: Final = 'share such as "80%"'
WHOLE_MAX: Final = 2**53
"""Beyond it JSON readers and floats no longer tell one whole number from the next."""

_UNITS: Final = {"_seconds": DURATION, "_bytes": SIZE, "_ratio": RATIO}
_KINDS: Final[dict[object, str]] = {str: TEXT, int: WHOLE, float: NUMBER, bool: TRUTH, tuple[str, ...]: TEXTS}
_TRUTHS: Final = {"true": True, "false": False}


class Key(NamedTuple):
    """One key: its name in the file, its field, what its value has to be, and whether it may be left out."""

    name: str
    field: str
    kind: str
    required: bool


def keys_of(settings: type[Any]) -> dict[str, Key]:
    """The keys of a NamedTuple of settings, by name."""
    defaults = getattr(settings, "_field_defaults", {})
    keys = [_key(field, kind, field not in defaults) for field, kind in get_type_hints(settings).items()]
    return {key.name: key for key in keys}


def convert(kind: str, written: object) -> Setting:
    """The value of a key in SI units; raises Malformed with what was expected.

    A text stands for a number or a truth, too: that is what `${NAME}` gives.
    """
    try:
        return _CONVERSIONS[kind](written)
    except (TypeError, ValueError, OverflowError):
        raise Malformed("value", f"expected a {kind}, not {_shown(written)}") from None


def _key(field: str, kind: object, required: bool) -> Key:
    for suffix, unit in _UNITS.items():
        if field.endswith(suffix):
            return Key(field.removesuffix(suffix), field, unit, required)
    return Key(field, field, _KINDS[kind], required)


def _text(written: object) -> str:
    if not isinstance(written, str):
        raise TypeError
    if "\0" in written:
        raise Malformed("value", "holds a NUL byte, which no path and no program takes")
    return written


def _texts(written: object) -> tuple[str, ...]:
    if not isinstance(written, list):
        raise TypeError
    return tuple(map(_text, written))


def _truth(written: object) -> bool:
    if isinstance(written, str) and written.strip().lower() in _TRUTHS:
        return _TRUTHS[written.strip().lower()]
    if not isinstance(written, bool):
        raise TypeError
    return written


def _whole(written: object) -> int:
    if isinstance(written, bool) or not isinstance(written, (int, str)):
        raise TypeError
    whole = int(written)
    if abs(whole) > WHOLE_MAX:
        raise OverflowError
    return whole


def _number(written: object) -> float:
    if isinstance(written, bool) or not isinstance(written, (int, float, str)):
        raise TypeError
    number = float(written)
    if not abs(number) < float("inf"):
        raise ValueError
    return number


def _unit(parse: Callable[[str], Setting]) -> Callable[[object], Setting]:
    def read(written: object) -> Setting:
        if isinstance(written, bool) or not isinstance(written, (int, float, str)):
            raise TypeError
        return parse(str(written))

    return read


_CONVERSIONS: Final[dict[str, Callable[[object], Setting]]] = {
    TEXT: _text,
    TEXTS: _texts,
    TRUTH: _truth,
    WHOLE: _whole,
    NUMBER: _number,
    DURATION: _unit(parse_duration),
    SIZE: _unit(parse_bytes),
    RATIO: _unit(parse_ratio),
}


def _shown(written: object) -> str:
    if isinstance(written, int) and abs(written) > WHOLE_MAX:
        return "a number as large as that"
    text = f'"{written}"' if isinstance(written, str) else str(written)
    return text if len(text) <= 60 else f"{text[:59]}…"
