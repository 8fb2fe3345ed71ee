"""Sizes, durations and shares as people write them, and back again.

Reads what people put into configurations and command lines ("512M", "1m30s",
"80%") and writes what screens show ("1.5 GiB", "1h 5m"). Everything between
the two works in bytes, seconds and ratios. All size suffixes are powers of
1024, with or without "iB" or "B", as Docker (`--memory`) and systemd
(systemd.resource-control(5), `MemoryMax=`) read them.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Final

from forestall.model.errors import Malformed

BYTES_MAX: Final = 2**60
"""No machine has more than an exbibyte: a larger size is a typing mistake."""

SECONDS_MAX: Final = 3660.0 * 86400.0
"""Ten years: a longer duration is a typing mistake."""

TEXT_CHARACTERS_MAX: Final = 64

BYTES_BY_SUFFIX: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}

SECONDS_BY_SUFFIX: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
"""Longest first, which is also the order in which `1d12h` must be written."""

SCREEN_SUFFIXES: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

_NUMBER: Final = r"[0-9]{1,20}(?:\.[0-9]{1,9})?"
_SIZE: Final = re.compile(rf"({_NUMBER}) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_DURATION_PART: Final = re.compile(rf"({_NUMBER}) ?(ms|[smhd]) ?", re.IGNORECASE | re.ASCII)
_PLAIN: Final = re.compile(_NUMBER)


def parse_bytes(text: str) -> int:
    """Bytes of "512M", "512MiB", "1.5 GiB", "64k" or "300"; Malformed for anything else or above BYTES_MAX."""
    match = _SIZE.fullmatch(_short(text, "size"))
    if match is None:
        raise _malformed("size", text, 'write a number and a unit, like "512M" or "1.5GiB"')
    size_bytes = round(float(match[1]) * BYTES_BY_SUFFIX[match[2].lower()])
    if size_bytes > BYTES_MAX:
        raise _malformed("size", text, "is more than 1 EiB")
    return size_bytes


def parse_duration(text: str) -> float:
    """Seconds of "10s", "250ms", "5m", "1h", "2d", "1m30s" or "10" (seconds); Malformed otherwise."""
    stripped = _short(text, "duration")
    seconds = float(stripped) if _PLAIN.fullmatch(stripped) else _sum_of_parts(stripped, text)
    if seconds > SECONDS_MAX:
        raise _malformed("duration", text, "is more than ten years")
    return seconds


def parse_ratio(text: str) -> float:
    """Ratio 0..1 of "80%" or "0.8"; Malformed otherwise, also for a bare 80: it could mean either."""
    stripped = _short(text, "share")
    percent = stripped.endswith("%")
    number = stripped[:-1].rstrip() if percent else stripped
    if not _PLAIN.fullmatch(number):
        raise _malformed("share", text, 'write a share like "80%" or "0.8"')
    ratio = float(number + "e-2") if percent else float(number)
    if ratio > 1.0:
        raise _malformed("share", text, "is more than 100%")
    return ratio


def format_bytes(size_bytes: float, unit: str | None = None) -> str:
    """Bytes for a screen: "1.5 GiB", or the whole number of `unit` (b k m g t, rounded down as free(1) does)."""
    if not math.isfinite(size_bytes):
        return "-"
    if unit is not None:
        return str(int(size_bytes / BYTES_BY_SUFFIX["" if unit == "b" else unit]))
    scaled, index = abs(size_bytes), 0
    # 1023.95 would be shown as 1024 of its unit, so it already belongs to the next one.
    while scaled >= 1023.95 and index < len(SCREEN_SUFFIXES) - 1:
        scaled, index = scaled / 1024, index + 1
    sign = "-" if size_bytes < 0 else ""
    return f"{sign}{_short_decimal(scaled)} {SCREEN_SUFFIXES[index]}"


def format_rate(bytes_per_second: float) -> str:
    """Bytes per second for a screen: "20 MiB/s"."""
    return format_bytes(bytes_per_second) + "/s" if math.isfinite(bytes_per_second) else "-"


def format_duration(seconds: float) -> str:
    """Seconds for a screen in at most two units: "1h 5m", "42s", "250ms"; infinity is "never"."""
    if math.isnan(seconds):
        return "-"
    if math.isinf(seconds):
        return "never"
    sign = "-" if seconds < 0 else ""
    return sign + _format_length(abs(seconds))


def format_ratio(ratio: float) -> str:
    """Ratio for a screen: "80%", below a tenth with one decimal: "1.2%"."""
    if not math.isfinite(ratio):
        return "-"
    percent = ratio * 100
    return f"{_short_decimal(percent) if abs(percent) < 10 else format(percent, '.0f')}%"


def _short(text: str, source: str) -> str:
    if len(text) > TEXT_CHARACTERS_MAX:
        raise _malformed(source, text, f"is longer than {TEXT_CHARACTERS_MAX} characters")
    return text.strip()


def _sum_of_parts(stripped: str, text: str) -> float:
    """Seconds of "1h30m": every part with its unit, longest first, only a lone part with a fraction."""
    position, parts = 0, []
    while match := _DURATION_PART.match(stripped, position):
        parts.append((match[1], SECONDS_BY_SUFFIX[match[2].lower()]))
        position = match.end()
    if not parts or position != len(stripped):
        raise _malformed("duration", text, 'write a duration like "10s", "250ms", "5m", "1m30s", "2d"')
    if len(parts) == 1:
        return _scaled(*parts[0])
    if any(later >= earlier for (_, earlier), (_, later) in pairwise(parts)):
        raise _malformed("duration", text, "its units must go from long to short")
    if any("." in number for number, _ in parts):
        raise _malformed("duration", text, "only a duration of one unit may have a fraction")
    # Whole milliseconds, so that a sum of parts has no rounding error.
    return sum(int(number) * round(factor * 1000) for number, factor in parts) / 1000


def _scaled(number: str, factor_seconds: float) -> float:
    return float(number + "e-3") if factor_seconds == SECONDS_BY_SUFFIX["ms"] else float(number) * factor_seconds


def _short_decimal(number: float) -> str:
    text = f"{number:.1f}"
    return text.removesuffix(".0")


def _format_length(seconds: float) -> str:
    if 0.0005 <= seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return _short_decimal(seconds if seconds >= 0.0005 else 0.0) + "s"
    whole = round(seconds)
    units = [(name, int(length)) for name, length in SECONDS_BY_SUFFIX.items() if length >= 1]
    for (name, length), (next_name, next_length) in pairwise(units):
        if whole >= length:
            count, rest = divmod(whole, length)
            second = rest // next_length
            return f"{count}{name} {second}{next_name}" if second else f"{count}{name}"
    return f"{whole}s"


def _malformed(source: str, text: str, why: str) -> Malformed:
    shown = text[:TEXT_CHARACTERS_MAX]
    return Malformed(source, f"{shown!r}: {why}", text.encode("utf-8", "replace"))
