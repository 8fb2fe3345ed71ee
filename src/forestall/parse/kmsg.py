r"""/dev/kmsg: one record of the kernel log for each read, and the kills told by it.

    6,339,5140900,-,caller=T812;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),...,task=leaker,pid=812,uid=0
    3,340,5140977,-;Memory cgroup out of memory: Killed process 812 (leaker) total-vm:1052kB, anon-rss:980kB, ...
     SUBSYSTEM=pci

Priority and facility, sequence, microseconds since boot (the clock stops in
suspend), flags; then the text, in which bytes that do not print, and the
backslash, are \xNN; then lines of a dictionary (Documentation/ABI/testing/dev-kmsg).

Kill lines are those of mm/oom_kill.c, Linux 3.x to 7.x. Under a storm the
kernel drops everything but the kill line itself (it alone is not ratelimited),
so that line must be enough, and what was not printed is None.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from forestall.model.errors import Malformed
from forestall.parse.number import unsigned
from forestall.parse.oomline import (
    Summary,
    Victim,
    announced_constraint,
    group_path,
    limit_hit,
    skipped_pid,
    summary,
    victim,
)
from forestall.parse.text import decode, printable

RECORD_BYTES_MAX: Final = 8192
"""CONSOLE_EXT_LOG_MAX / PRINTK_MESSAGE_MAX (kernel/printk): the longest record a read returns."""

KERNEL_FACILITY: Final = 0
"""What a process writes to /dev/kmsg never carries it: the kernel forces another one (LOG_USER)."""

PENDING_MAX: Final = 64
"""Summaries that wait for their kill line; the oldest goes first."""

PAIR_MICROSECONDS_MAX: Final = 10_000_000
"""Lines of one kill are printed within milliseconds, slow serial consoles included within seconds."""

_ESCAPED: Final = re.compile(rb"\\x([0-9a-f]{2})")


class Record(NamedTuple):
    """One record: syslog level 0..7, sequence number, microseconds since boot, text (other bytes surrogate-escaped)."""

    level: int
    sequence: int
    microseconds: int
    text: str
    facility: int = KERNEL_FACILITY


class KillLine(NamedTuple):
    """One process that the kernel killed for memory. None is what the log did not say.

    `constraint` is "memcg", "none" (the host's memory, as far as the log tells), "cpuset" or "memory_policy".
    `oom_memcg` is the cgroup whose limit was hit, `task_memcg` the victim's,
    `group_memcg` the cgroup that was killed whole (memory.oom.group) and the
    victim is in it or below. `comm` and paths are printable.
    """

    microseconds: int
    pid: int
    comm: str
    constraint: str | None
    oom_memcg: str | None
    task_memcg: str | None
    group_memcg: str | None
    uid: int | None
    total_vm_bytes: int | None
    anon_rss_bytes: int | None
    file_rss_bytes: int | None
    shmem_rss_bytes: int | None
    pgtables_bytes: int | None
    oom_score_adj: int | None


class _Group(NamedTuple):
    """A cgroup that is being killed whole: since when, its path, and the kill that began it."""

    microseconds: int
    path: str
    first: KillLine


def record(raw: bytes) -> Record:
    """One read of /dev/kmsg; Malformed when it has no header or is too long."""
    header, semicolon, body = raw.partition(b";")
    fields = header.split(b",", 4)
    if not semicolon or len(fields) < 3 or len(raw) > RECORD_BYTES_MAX:
        raise Malformed("/dev/kmsg", "no record header, or too long", raw)
    priority, sequence, microseconds = (unsigned(field) for field in fields[:3])
    if priority is None or sequence is None or microseconds is None:
        raise Malformed("/dev/kmsg", "a field of the header is not a number", raw)
    line = body.partition(b"\n")[0]
    text = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), line) if b"\\x" in line else line
    return Record(priority & 7, sequence, microseconds, decode(text), priority >> 3)


class KillReader:
    """Finds kills in a stream of records and joins each with what was said about it before.

    Lines of several kills may be interleaved: a summary belongs to the kill line with the same pid.
    """

    def __init__(self) -> None:
        self._summaries: dict[int, tuple[int, Summary]] = {}
        self._announced: tuple[int, str] | None = None
        self._limit_hit: tuple[int, str | None, str | None] | None = None
        self._last: KillLine | None = None
        self._group: _Group | None = None

    def feed(self, item: Record) -> KillLine | None:
        """The kill that `item` completes, or None. Raises nothing; what processes wrote to the log is not believed."""
        if item.facility != KERNEL_FACILITY:
            return None
        found = victim(item.text)
        if found is not None:
            return self._kill(item.microseconds, found)
        self._remember(item)
        return None

    def _remember(self, item: Record) -> None:
        """Keep what a line says of a kill to come."""
        now, text = item.microseconds, item.text
        if (told := summary(text)) is not None:
            # The kernel works on one OOM at a time (oom_lock): a new summary ends a group kill.
            self._group = None
            self._summaries.pop(told.pid, None)
            self._summaries[told.pid] = (now, told)
            if len(self._summaries) > PENDING_MAX:
                del self._summaries[next(iter(self._summaries))]
        elif (constraint := announced_constraint(text)) is not None:
            self._announced = (now, constraint)
        elif (paths := limit_hit(text)) is not None:
            earlier = self._limit_hit if paths.task is None else None
            task = paths.task if earlier is None else earlier[1]
            self._limit_hit = (now, task, paths.limit)
        elif (path := group_path(text)) is not None and self._last is not None:
            self._group = _Group(now, printable(path), self._last)
        elif (pid := skipped_pid(text)) is not None:
            self._summaries.pop(pid, None)

    def _kill(self, now: int, found: Victim) -> KillLine | None:
        group = self._group_of(now, found)
        if group is not None and found.pid == group.first.pid:
            return None  # the kernel prints the first victim of a group a second time
        kill = self._joined(now, found)
        if group is not None:
            kill = kill._replace(constraint=group.first.constraint, oom_memcg=group.first.oom_memcg)
            kill = kill._replace(group_memcg=group.path)
        self._last = kill
        return kill

    def _joined(self, now: int, found: Victim) -> KillLine:
        said_at, told = self._summaries.pop(found.pid, (0, None))
        if now - said_at > PAIR_MICROSECONDS_MAX:
            told = None
        limit_memcg, task_memcg = (None, None) if told is None else told.memory_cgroups(found.comm)
        constraint = told.constraint if told is not None else found.constraint or self._announced_constraint(now)
        if told is None and constraint == "memcg":
            task_memcg, limit_memcg = self._take_limit_hit(now)
        self._announced = None
        return KillLine(
            microseconds=now,
            pid=found.pid,
            comm=printable(found.comm),
            constraint=constraint,
            oom_memcg=None if limit_memcg is None else printable(limit_memcg),
            task_memcg=None if task_memcg is None else printable(task_memcg),
            group_memcg=None,
            uid=found.uid if found.uid is not None or told is None else told.uid,
            total_vm_bytes=found.sizes_bytes.get("total-vm"),
            anon_rss_bytes=found.sizes_bytes.get("anon-rss"),
            file_rss_bytes=found.sizes_bytes.get("file-rss"),
            shmem_rss_bytes=found.sizes_bytes.get("shmem-rss"),
            pgtables_bytes=found.sizes_bytes.get("pgtables"),
            oom_score_adj=found.oom_score_adj,
        )

    def _group_of(self, now: int, found: Victim) -> _Group | None:
        """The group kill that `found` is part of: recent, of the same scope, and without a summary of its own."""
        group = self._group
        if group is None or found.pid in self._summaries or now - group.microseconds > PAIR_MICROSECONDS_MAX:
            return None
        same_scope = (found.constraint == "memcg") == (group.first.constraint == "memcg")
        return group if same_scope else None

    def _announced_constraint(self, now: int) -> str | None:
        if self._announced is None or now - self._announced[0] > PAIR_MICROSECONDS_MAX:
            return None
        return self._announced[1]

    def _take_limit_hit(self, now: int) -> tuple[str | None, str | None]:
        taken, self._limit_hit = self._limit_hit, None
        if taken is None or now - taken[0] > PAIR_MICROSECONDS_MAX:
            return (None, None)
        return taken[1:]
