"""One OOM kill, as the kernel told it or as a counter betrayed it."""

from __future__ import annotations

from typing import Final, NamedTuple

FROM_KERNEL_LOG: Final = "kernel log"
FROM_COUNTER: Final = "oom_kill counter"

UNNAMED_CGROUP: Final = ""
"""`limit_path` of a kill at a limit of a cgroup that the kernel log does not name: its summary was ratelimited away."""


class Kill(NamedTuple):
    """One process killed by the kernel's OOM killer.

    `at_boottime_seconds` is when (kernel-log time, mapped to CLOCK_BOOTTIME);
    `limit_path` the cgroup whose limit was hit (None: the host itself, or not
    told; UNNAMED_CGROUP: some cgroup, never the host); `victim_path` the cgroup
    the victim was in. Sizes in bytes, None when the log did not say.
    `source` is FROM_KERNEL_LOG or FROM_COUNTER; a kill known from a counter alone has no victim (pid None, comm "").
    """

    at_boottime_seconds: float
    wall_seconds: float
    pid: int | None
    comm: str
    limit_path: str | None
    victim_path: str | None
    anon_rss_bytes: int | None
    file_rss_bytes: int | None
    shmem_rss_bytes: int | None
    uid: int | None
    oom_score_adj: int | None
    source: str
