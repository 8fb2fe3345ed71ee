"""OOM kills as the kernel log tells them: /dev/kmsg, mapped to CLOCK_BOOTTIME.

Kernel-log time is CLOCK_MONOTONIC, which stops in suspend; the offset is added
as it is at the reading.
"""

from __future__ import annotations

from forestall.model.errors import ForestallError, Malformed
from forestall.model.frame import Moment, Note
from forestall.model.kill import FROM_KERNEL_LOG, UNNAMED_CGROUP, Kill
from forestall.parse import kmsg
from forestall.system.clock import suspended_seconds
from forestall.system.kmsg import KernelLog

REMEDY = "run as root, or sysctl kernel.dmesg_restrict=0 and read access to /dev/kmsg"


class KernelLogCollector:
    """Reads kills from the kernel log. `fd` may be polled; None where the log may not be read."""

    def __init__(self, *, from_start: bool, path: str = "/dev/kmsg") -> None:
        self.notes: list[Note] = []
        self.malformed = 0
        self._reader = kmsg.KillReader()
        self._log: KernelLog | None = None
        try:
            self._log = KernelLog(path, from_start=from_start)
        except ForestallError as error:
            why = f"cannot read {error}; kills are known from the oom_kill counters alone, without their victims"
            self.notes.append(Note("the kernel log", why, REMEDY))

    @property
    def fd(self) -> int | None:
        """The descriptor to poll for new records."""
        return None if self._log is None else self._log.fd

    def collect(self, moment: Moment) -> tuple[Kill, ...]:
        """Return the kills logged since the last call."""
        if self._log is None:
            return ()
        kills = []
        suspended = suspended_seconds()
        for raw in self._log.drain():
            try:
                line = self._reader.feed(kmsg.record(raw))
            except Malformed:
                self.malformed += 1
                continue
            if line is not None:
                kills.append(_kill(line, moment, suspended))
        return tuple(kills)

    def close(self) -> None:
        """Let the log go."""
        if self._log is not None:
            self._log.close()


def _kill(line: kmsg.KillLine, moment: Moment, suspended: float) -> Kill:
    at = line.microseconds / 1e6 + suspended
    return Kill(
        at_boottime_seconds=at,
        wall_seconds=moment.wall_seconds - (moment.boottime_seconds - at),
        pid=line.pid,
        comm=line.comm,
        limit_path=_limit_path(line),
        victim_path=line.task_memcg or line.group_memcg,
        anon_rss_bytes=line.anon_rss_bytes,
        file_rss_bytes=line.file_rss_bytes,
        shmem_rss_bytes=line.shmem_rss_bytes,
        uid=line.uid,
        oom_score_adj=line.oom_score_adj,
        source=FROM_KERNEL_LOG,
    )


def _limit_path(line: kmsg.KillLine) -> str | None:
    """The cgroup whose limit was hit. "Memory cgroup out of memory" alone tells that it was not the host."""
    if line.oom_memcg is None and line.constraint == "memcg":
        return UNNAMED_CGROUP
    return line.oom_memcg


PLUGIN = KernelLogCollector
