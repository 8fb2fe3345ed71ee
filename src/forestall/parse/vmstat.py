"""/proc/vmstat: the host's memory events since boot (mm/vmstat.c; pages and counts, one per line).

    pswpin 0
    pgscan_kswapd 0
    allocstall_normal 0
    oom_kill 0

`oom_kill` is there since Linux 4.13.
"""

from __future__ import annotations

from forestall.parse import keyed


def parse(text: bytes) -> dict[str, int]:
    """Pages and counts by key, as the kernel counts them; Malformed when no line is a pair."""
    return keyed.spaced(text, "/proc/vmstat")
