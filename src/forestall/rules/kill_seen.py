"""The kernel's OOM killer struck inside a target: told by the kernel log, or betrayed by the oom_kill counter."""

from __future__ import annotations

from typing import Final

from forestall.analyse.latch import Latch
from forestall.model.finding import Evidence, Finding, Severity
from forestall.model.kill import FROM_COUNTER, UNNAMED_CGROUP, Kill
from forestall.model.target import Target
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
    times = "" if count == 1 else f"; {count} times in five minutes"
    return Finding(
        rule="kill_seen",
        target=target,
        severity=Severity.CRITICAL,
        summary=f"the kernel killed {_victim(kill)}{times}",
        evidence=(Evidence("kills", count, "count", kill.source if kill else FROM_COUNTER), *_sizes(kill)),
        since_boottime_seconds=since_boottime_seconds,
    )


def _victim(kill: Kill | None) -> str:
    if kill is None or kill.pid is None:
        return "a process"
    return f"{kill.comm} (pid {kill.pid}) {_where(kill.limit_path)}"


def _where(limit_path: str | None) -> str:
    if limit_path is None:
        return "at the host's memory"
    if limit_path == UNNAMED_CGROUP:
        return "in a cgroup that the kernel log does not name"
    return f"at the limit of {limit_path}"


def _sizes(kill: Kill | None) -> tuple[Evidence, ...]:
    if kill is None or kill.anon_rss_bytes is None:
        return ()
    return (Evidence("victim anon rss", kill.anon_rss_bytes, "bytes", kill.source),)


PLUGIN: Final[Rule] = KillSeen()
