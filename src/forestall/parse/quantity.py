"""One comparison of a condition: metric, operator, number and unit, read from tokens and written as text.

Each metric takes one kind of number: used, headroom and swap bytes or a share
of the limit, growth bytes per time, time_to_limit a duration, pressure percent,
kills and near_misses a count within a time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from forestall.model.condition import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    COUNT_WINDOW_SECONDS,
    METRICS,
    RATIO,
    RATIO_OF_LIMIT,
    SECONDS,
    Comparison,
)
from forestall.model.units import BYTES_MAX, SECONDS_BY_SUFFIX, SECONDS_MAX
from forestall.parse.token import DIGITS_MAX, FRACTION_DIGITS_MAX, Token, Tokens

OPERATORS: Final = ("<", "<=", ">", ">=")

BYTES_BY_UNIT: Final = {"TiB": 2**40, "GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "B": 1, "T": 2**40, "G": 2**30} | {
    "M": 2**20,
    "K": 2**10,
}

KIND_BY_METRIC: Final = {
    "used": BYTES,
    "headroom": BYTES,
    "swap": BYTES,
    "growth": BYTES_PER_SECOND,
    "time_to_limit": SECONDS,
    "pressure": RATIO,
    "kills": COUNT,
    "near_misses": COUNT,
}

_WRITTEN_BYTES_UNITS: Final = ("TiB", "GiB", "MiB", "KiB", "B")
_RATE_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def comparison(tokens: Tokens) -> Comparison:
    """The next comparison; Malformed at the token that is wrong."""
    metric = tokens.take(f"one of {', '.join(METRICS)}")
    if metric.text not in METRICS:
        raise tokens.mistake(f'unknown name "{metric.text}" (known: {", ".join(METRICS)})', metric)
    operator = tokens.take(f"one of {' '.join(OPERATORS)}")
    if operator.text not in OPERATORS:
        raise tokens.mistake(f'"{operator.text}" is not one of {" ".join(OPERATORS)}', operator)
    value, unit = _value(tokens, KIND_BY_METRIC[metric.text])
    window_seconds = COUNT_WINDOW_SECONDS
    window = tokens.peek()
    if tokens.accept("in"):
        if unit != COUNT:
            raise tokens.mistake(f'"in" goes with kills and near_misses, not with {metric.text}', window)
        window_seconds = duration(tokens)
    return Comparison(metric.text, operator.text, value, unit, window_seconds)


def comparison_text(part: Comparison) -> str:
    """Text that parses to `part` again."""
    start = f"{part.metric} {part.operator} "
    if part.unit == COUNT:
        default = part.window_seconds == COUNT_WINDOW_SECONDS
        return start + _decimal(part.value) + ("" if default else f" in {duration_text(part.window_seconds)}")
    if part.unit == SECONDS:
        return start + duration_text(part.value)
    if part.unit == BYTES:
        return start + _size_text(part.value)
    if part.unit == BYTES_PER_SECOND:
        return start + _rate_text(part.value)
    return start + _decimal(part.value * 100) + ("% of limit" if part.unit == RATIO_OF_LIMIT else "%")


def duration(tokens: Tokens) -> float:
    """Seconds of the next "30s", "1m30s" or "30 s"; Malformed without a unit, when zero, or above ten years."""
    first = tokens.take("a duration, like 30s")
    parts = [_duration_part(tokens, first)]
    while (token := tokens.peek()) is not None and token.number:
        parts.append(_duration_part(tokens, tokens.take("a duration")))
    seconds = _seconds(parts)
    if any(later[1] >= earlier[1] for earlier, later in pairwise(parts)):
        raise tokens.mistake("units of a duration go from long to short", first)
    if len(parts) > 1 and any("." in number for number, _ in parts):
        raise tokens.mistake("only a duration of one unit may have a fraction", first)
    if not 0 < seconds <= SECONDS_MAX:
        raise tokens.mistake("a duration is more than nothing and at most ten years", first)
    return seconds


def duration_text(seconds: float) -> str:
    """Text that `duration` reads as exactly `seconds`, as short as it can be."""
    written = []
    for name, length in SECONDS_BY_SUFFIX.items():
        number = _decimal(seconds * 1000 if name == "ms" else seconds / length)
        if _seconds([(number, length)]) == seconds:
            written.append(number + name)
    return _shortest(written, f"{_decimal(seconds)}s")


def _duration_part(tokens: Tokens, number: Token) -> tuple[str, float]:
    if not number.number:
        raise tokens.mistake(f'"{number.text}" is not a duration, like 30s', number)
    unit = tokens.peek()
    if unit is None or unit.text not in SECONDS_BY_SUFFIX:
        raise tokens.mistake(
            f"{number.text} needs a unit of time (known: {', '.join(reversed(SECONDS_BY_SUFFIX))})", unit
        )
    tokens.accept(unit.text)
    return (number.text, SECONDS_BY_SUFFIX[unit.text])


def _seconds(parts: list[tuple[str, float]]) -> float:
    if len(parts) == 1 and parts[0][1] >= 1:
        return float(parts[0][0]) * parts[0][1]
    # In milliseconds, so that a sum of whole parts has no rounding error.
    return sum(float(number) * round(length * 1000) for number, length in parts) / 1000


def _value(tokens: Tokens, kind: str) -> tuple[float, str]:
    """The number of a comparison of `kind` in SI units, and its unit constant."""
    if kind == SECONDS:
        return duration(tokens), SECONDS
    number = tokens.take("a number")
    if not number.number:
        raise tokens.mistake(f'"{number.text}" is not a number', number)
    if kind == COUNT:
        if "." in number.text:
            raise tokens.mistake("a count is a whole number", number)
        return float(number.text), COUNT
    if tokens.accept("%"):
        return _share(tokens, kind, number)
    if kind == RATIO:
        raise tokens.mistake(f"pressure is a share of time: {number.text}%", number)
    size_bytes = _size(tokens, number)
    return (_rate(tokens, size_bytes), BYTES_PER_SECOND) if kind == BYTES_PER_SECOND else (size_bytes, BYTES)


def _share(tokens: Tokens, kind: str, number: Token) -> tuple[float, str]:
    ratio = float(number.text + "e-2")
    if kind == BYTES_PER_SECOND:
        raise tokens.mistake("growth is bytes per time, like 10MiB/s", number)
    if ratio > 1:
        raise tokens.mistake(f"{number.text}% is more than 100%", number)
    if kind == RATIO:
        return ratio, RATIO
    if not (tokens.accept("of") and tokens.accept("limit")):
        raise tokens.mistake(f'say of what: "{number.text}% of limit"', tokens.peek())
    return ratio, RATIO_OF_LIMIT


def _size(tokens: Tokens, number: Token) -> float:
    unit = tokens.peek()
    if unit is None or unit.text not in BYTES_BY_UNIT:
        raise tokens.mistake(f'{number.text} needs a unit (B KiB MiB GiB TiB, or "% of limit")', unit)
    tokens.accept(unit.text)
    size_bytes = float(number.text) * BYTES_BY_UNIT[unit.text]
    if size_bytes > BYTES_MAX:
        raise tokens.mistake("a size of more than 1 EiB", number)
    return size_bytes


def _rate(tokens: Tokens, size_bytes: float) -> float:
    if not tokens.accept("/"):
        raise tokens.mistake("growth is bytes per time, like 10MiB/s", tokens.peek())
    unit = tokens.take("one of s, m, h, d")
    if unit.text not in _RATE_SECONDS:
        raise tokens.mistake(f'"{unit.text}" is not a unit of time (known: {", ".join(_RATE_SECONDS)})', unit)
    return size_bytes / _RATE_SECONDS[unit.text]


def _size_text(size_bytes: float) -> str:
    written = []
    for unit in _WRITTEN_BYTES_UNITS:
        number = _decimal(size_bytes / BYTES_BY_UNIT[unit])
        if float(number) * BYTES_BY_UNIT[unit] == size_bytes:
            written.append(number + unit)
    return _shortest(written, f"{_decimal(size_bytes)}B")


def _rate_text(bytes_per_second: float) -> str:
    written = []
    for suffix, seconds in _RATE_SECONDS.items():
        for unit in _WRITTEN_BYTES_UNITS:
            number = _decimal(bytes_per_second * seconds / BYTES_BY_UNIT[unit])
            if float(number) * BYTES_BY_UNIT[unit] / seconds == bytes_per_second:
                written.append(f"{number}{unit}/{suffix}")
    return _shortest(written, f"{_decimal(bytes_per_second)}B/s")


def _shortest(written: list[str], nearest: str) -> str:
    """The shortest of the exact texts, a whole number before a broken one; `nearest` when no text is exact."""
    return min(written, key=lambda text: (len(text), "." in text), default=nearest)


def _decimal(number: float) -> str:
    """`number` as a condition may hold it: fifteen digits, six decimals, never an exponent."""
    text = f"{number:.{DIGITS_MAX}g}"
    if "e" in text or len(text.partition(".")[2]) > FRACTION_DIGITS_MAX:
        text = f"{number:.{FRACTION_DIGITS_MAX}f}".rstrip("0").rstrip(".")
    return text
