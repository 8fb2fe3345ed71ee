"""The kernel's OOM killer struck inside a target: told by the kernel log, or betrayed by the oom_kill counter."""

from __future__ import annotations

from typing import Final

from forestall.analyse.latch import Latch
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.kill import FROM_COUNTER, Kill
from forestall.model.target import Target
from forestall.model.units import format_bytes
from forestall.rules import Rule, View


class KillSeen:
    """Finds a target in which a process was killed within the last five minutes."""

    def check(self, view: View, latches: dict[str, Latch]) -> Finding | None:  # noqa: ARG002  the Protocol has it
        """Report the kill for as long as it is counted as recent; `latches` are not needed."""
        if not view.kill_count or view.killed_boottime_seconds is None:
            return None
        return describe(view.reading.target, view.kill, view.kill_count, view.killed_boottime_seconds)


def describe(target: Target, kill: Kill | None, count: int, since_boottime_seconds: float) -> Finding:
    """Return the finding that the kernel has killed in the target; `kill` is the newest that was described."""
    times = "once" if count == 1 else f"{count} times"
    return Finding(
        rule="kill_seen",
        target=target,
        severity=Severity.CRITICAL,
        summary=f"the kernel killed {_victim(kill)}; {times} in five minutes",
        evidence=(Evidence("kills", count, "count", kill.source if kill else FROM_COUNTER), *_sizes(kill)),
        since_boottime_seconds=since_boottime_seconds,
    )


def _victim(kill: Kill | None) -> str:
    if kill is None or kill.pid is None:
        return "a process"
    where = "the host's memory" if kill.limit_path is None else f"the limit of {kill.limit_path}"
    return f"{kill.comm} (pid {kill.pid}) at {where}"


def _sizes(kill: Kill | None) -> tuple[Evidence, ...]:
    if kill is None or kill.anon_rss_bytes is None:
        return ()
    return (
        Evidence(
            f"anon-rss of the victim ({format_bytes(kill.anon_rss_bytes)})", kill.anon_rss_bytes, "bytes", kill.source
        ),
    )


PLUGIN: Final[Rule] = KillSeen()
