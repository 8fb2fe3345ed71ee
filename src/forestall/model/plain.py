"""The model's values as plain JSON types and back, driven by their annotations.

Everything that crosses a process or a disk goes through here, so that each
value has one written form: a NamedTuple is an object with its field names,
a tuple an array, an IntEnum its number. Reading back checks every type and
raises nothing but Malformed; unknown keys are ignored and missing ones take
their default, so that files of neighbouring releases stay readable.
"""

from __future__ import annotations

from enum import IntEnum
from types import NoneType, UnionType
from typing import Final, TypeVar, Union, get_args, get_origin, get_type_hints

from forestall.model.errors import Malformed

Plain = Union[None, bool, int, float, str, "list[Plain]", "dict[str, Plain]"]

T = TypeVar("T")

_SOURCE: Final = "value"
_NUMBER_MAX: Final = 2**70


def plain(value: object) -> Plain:
    """Turn a model value into JSON types; a type that has no plain form is our mistake (TypeError)."""
    if isinstance(value, IntEnum):
        return int(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple):
        names = getattr(type(value), "_fields", None)
        if names is not None:
            return {name: plain(part) for name, part in zip(names, value, strict=True)}
        return [plain(part) for part in value]
    raise TypeError(f"no plain form for {type(value).__name__}")


def value(kind: type[T], written: object) -> T:
    """Turn JSON types back into a `kind`; raises Malformed for anything that is not one."""
    return _read(kind, written, kind.__name__)  # type: ignore[return-value]


def _read(kind: object, written: object, where: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _either(kind, written, where)
    if origin is tuple:
        return _sequence(kind, written, where)
    if isinstance(kind, type):
        return _single(kind, written, where)
    raise TypeError(f"no plain form for {kind!r}")


def _either(kind: object, written: object, where: str) -> object:
    options = get_args(kind)
    if written is None and NoneType in options:
        return None
    named = [option for option in options if option is not NoneType]
    if len(named) != 1:
        raise TypeError(f"no plain form for {kind!r}")
    return _read(named[0], written, where)


def _sequence(kind: object, written: object, where: str) -> tuple[object, ...]:
    if not isinstance(written, list):
        raise Malformed(_SOURCE, f"{where} is not an array")
    parts = get_args(kind)
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_read(parts[0], item, where) for item in written)
    if len(parts) != len(written):
        raise Malformed(_SOURCE, f"{where} has {len(written)} parts, not {len(parts)}")
    return tuple(_read(part, item, where) for part, item in zip(parts, written, strict=True))


def _single(kind: type, written: object, where: str) -> object:
    if hasattr(kind, "_fields"):
        return _named(kind, written, where)
    if kind is float:
        return _float(written, where)
    if issubclass(kind, IntEnum):
        try:
            return kind(_exact(int, written, where))  # type: ignore[arg-type]
        except ValueError as error:
            raise Malformed(_SOURCE, f"{where}: {error}") from None
    return _exact(kind, written, where)


def _named(kind: type, written: object, where: str) -> object:
    if not isinstance(written, dict):
        raise Malformed(_SOURCE, f"{where} is not an object")
    hints = get_type_hints(kind)
    fields = {
        name: _read(hints[name], written[name], f"{where}.{name}")
        for name in kind._fields  # type: ignore[attr-defined]
        if name in written
    }
    try:
        return kind(**fields)
    except TypeError:
        missing = sorted(set(hints) - set(fields))
        raise Malformed(_SOURCE, f"{where} lacks {', '.join(missing)}") from None


def _float(written: object, where: str) -> float:
    if isinstance(written, bool) or not isinstance(written, (int, float)):
        raise Malformed(_SOURCE, f"{where} is not a number")
    if abs(written) > _NUMBER_MAX and isinstance(written, int):
        raise Malformed(_SOURCE, f"{where} is too large")
    return float(written)


def _exact(kind: type, written: object, where: str) -> object:
    if type(written) is not kind:
        raise Malformed(_SOURCE, f"{where} is not {kind.__name__}")
    if isinstance(written, int) and abs(written) > _NUMBER_MAX:
        raise Malformed(_SOURCE, f"{where} is too large")
    return written
