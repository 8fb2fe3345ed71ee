"""The two shapes most kernel files have: `key value` lines and `Key:   value kB` lines.

    pgfault 1231029                 memory.stat, memory.events, cpu.stat, vmstat
    MemTotal:       24684084 kB     meminfo, smaps_rollup

Lines of another shape are ignored on purpose: new kernels add them. A file
without a single line of its shape is Malformed.
"""

from __future__ import annotations

from typing import Final

from forestall.model.errors import Malformed
from forestall.parse.number import unsigned

KEYS_MAX: Final = 1024
"""vmstat, the longest, has about 200 lines."""

KEY_BYTES_MAX: Final = 64

_KIB: Final = 1024


def spaced(text: bytes, source: str) -> dict[str, int]:
    """Numbers by key of `key value` lines, in the file's own units; Malformed when there is none."""
    found: dict[str, int] = {}
    for line in text.split(b"\n", KEYS_MAX)[:KEYS_MAX]:
        key, _, digits = line.partition(b" ")
        value = unsigned(digits)
        if value is not None and key.isascii() and 0 < len(key) <= KEY_BYTES_MAX:
            found[key.decode("ascii")] = value
    if not found:
        raise Malformed(source, "no line of the form `key value`", text)
    return found


def coloned(text: bytes, source: str) -> dict[str, int]:
    """Bytes by key of `Key: value kB` lines, plain numbers where no kB is printed; Malformed when there is none."""
    found: dict[str, int] = {}
    for line in text.split(b"\n", KEYS_MAX)[:KEYS_MAX]:
        key, _, rest = line.partition(b":")
        value = kilobytes(rest)
        if value is not None and key.isascii() and 0 < len(key) <= KEY_BYTES_MAX:
            found[key.decode("ascii")] = value
    if not found:
        raise Malformed(source, "no line of the form `Key: value`", text)
    return found


def kilobytes(rest: bytes) -> int | None:
    """Bytes of what follows the colon (`  1764 kB`, or a plain number), None when it is neither."""
    words = rest.split(None, 2)
    value = unsigned(words[0]) if words else None
    if value is None or len(words) == 1:
        return value
    return value * _KIB if words[1:] == [b"kB"] else None


def rest_of_line(text: bytes, start: bytes) -> bytes | None:
    """What follows `start` on the first line that begins with it, None when no line does."""
    begin = 0 if text.startswith(start) else text.find(b"\n" + start) + 1
    if begin == 0 and not text.startswith(start):
        return None
    begin += len(start)
    end = text.find(b"\n", begin)
    return text[begin:] if end < 0 else text[begin:end]


def pick(text: bytes, keys: tuple[bytes, ...], source: str) -> tuple[int | None, ...]:
    """Only the numbers of `keys` out of `key value` lines, None for an absent one; Malformed when not a number.

    For the guard, which reads memory.stat every 20 ms and needs eight of its
    seventy lines: searching for them costs less than half of reading all.
    """
    lines = b"\n" + text
    return tuple([_number_after(lines, b"\n" + key + b" ", source) for key in keys])


def _number_after(lines: bytes, start: bytes, source: str) -> int | None:
    begin = lines.find(start)
    if begin < 0:
        return None
    begin += len(start)
    end = lines.find(b"\n", begin)
    value = unsigned(lines[begin:end] if end >= 0 else lines[begin:])
    if value is None:
        raise Malformed(source, f"{start.strip().decode('ascii', 'replace')} is not a number", lines[begin:])
    return value
