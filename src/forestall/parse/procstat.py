"""/proc/stat: how many tasks run and block, and when the host booted (proc(5)).

    btime 1795481006
    procs_running 5
    procs_blocked 0

The long cpu, intr and softirq lines are skipped unread.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.errors import Malformed
from forestall.parse import keyed

SOURCE: Final = "/proc/stat"


class HostStat(NamedTuple):
    """Tasks runnable now, tasks blocked on I/O now, and the boot's wall time in seconds since the epoch."""

    running: int
    blocked: int
    boot_wall_seconds: int


def parse(text: bytes) -> HostStat:
    """The three numbers; Malformed when one is absent."""
    running, blocked, boot = keyed.pick(text, (b"procs_running", b"procs_blocked", b"btime"), SOURCE)
    if running is None or blocked is None or boot is None:
        raise Malformed(SOURCE, "no procs_running, procs_blocked or btime line", text)
    return HostStat(running, blocked, boot)
