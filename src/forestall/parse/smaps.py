"""/proc/PID/smaps_rollup: a process's memory summed over its mappings (Documentation/filesystems/proc.rst).

    55c6438c5000-7ffe75895000 ---p 00000000 00:00 0                          [rollup]
    Rss:                1760 kB
    Pss:                 354 kB

The address line has no number behind its first colon and is left out.
"""

from __future__ import annotations

from forestall.parse import keyed


def rollup(text: bytes) -> dict[str, int]:
    """Bytes by key (`Rss`, `Pss`, `Private_Dirty`, `Swap`); Malformed when no line is a pair."""
    return keyed.coloned(text, "/proc/PID/smaps_rollup")
