"""/proc/PID/statm, stat and status: one process (proc_pid_stat(5), proc_pid_status(5)).

    765 441 413 5 0 123 0                                        statm, in pages
    5135 (cat) R 5124 5124 2672 0 -1 4194304 103 0 0 0 0 ...     stat
    Name:	cat                                                  status

A process names itself, so `comm` may hold blanks, brackets and newlines: in
stat it ends at the last closing bracket, in status newline and backslash are escaped.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.errors import Malformed
from forestall.parse import keyed
from forestall.parse.number import unsigned
from forestall.parse.text import printable

_STAT_FIELDS_MIN: Final = 20
"""Fields after comm up to starttime (the file's 22nd field)."""


class Statm(NamedTuple):
    """Address space, resident pages, and the file-backed or shared part of them, in bytes."""

    size_bytes: int
    resident_bytes: int
    shared_bytes: int


class Stat(NamedTuple):
    """Who a process is and what it has run; times in clock ticks, `start_ticks` since boot."""

    pid: int
    comm: str
    state: str
    ppid: int
    pgrp: int
    session: int
    user_ticks: int
    system_ticks: int
    threads: int
    start_ticks: int


class Status(NamedTuple):
    """A process's owner (real uid) and its resident memory by kind.

    Sizes are None for kernel threads, and before Linux 4.5 but for swap.
    """

    name: str
    uid: int
    anon_bytes: int | None
    file_bytes: int | None
    shmem_bytes: int | None
    swap_bytes: int | None
    threads: int


def statm(text: bytes, page_bytes: int) -> Statm:
    """Sizes out of statm; Malformed when it does not begin with three numbers."""
    numbers = [unsigned(word) for word in text.split(None, 3)[:3]]
    found = [number * page_bytes for number in numbers if number is not None]
    if len(found) != 3:
        raise Malformed("/proc/PID/statm", "does not begin with three numbers", text)
    return Statm(*found)


def stat(text: bytes) -> Stat:
    """The process out of stat; Malformed when a field is missing or not a number."""
    before, bracket, after = text.rpartition(b")")
    first, opening, comm = before.partition(b" (")
    fields = after.split()
    if not bracket or not opening or len(fields) < _STAT_FIELDS_MIN or len(fields[0]) != 1:
        raise Malformed("/proc/PID/stat", "fields are missing", text)
    wanted = (first, fields[1], fields[2], fields[3], fields[11], fields[12], fields[17], fields[19])
    # A process that is just being reaped has the group and session -1 (fs/proc/array.c, do_task_stat).
    numbers = [number for word in wanted if (number := -1 if word == b"-1" else unsigned(word)) is not None]
    if len(numbers) != len(wanted):
        raise Malformed("/proc/PID/stat", "a field is not a number", text)
    pid, ppid, pgrp, session, user, system, threads, start = numbers
    return Stat(pid, printable(comm), printable(fields[0]), ppid, pgrp, session, user, system, threads, start)


def status(text: bytes) -> Status:
    """The process out of status; Malformed without name, uid or threads."""
    name = keyed.rest_of_line(text, b"Name:\t")
    uids = (keyed.rest_of_line(text, b"Uid:\t") or b"").split(None, 1)
    uid = unsigned(uids[0]) if uids else None
    threads = unsigned((keyed.rest_of_line(text, b"Threads:\t") or b"").strip())
    if name is None or uid is None or threads is None:
        raise Malformed("/proc/PID/status", "no Name, Uid or Threads line", text)
    return Status(
        name=printable(_unescaped(name)),
        uid=uid,
        anon_bytes=_size(text, b"RssAnon:"),
        file_bytes=_size(text, b"RssFile:"),
        shmem_bytes=_size(text, b"RssShmem:"),
        swap_bytes=_size(text, b"VmSwap:"),
        threads=threads,
    )


def _size(text: bytes, start: bytes) -> int | None:
    rest = keyed.rest_of_line(text, start)
    return None if rest is None else keyed.kilobytes(rest)


def _unescaped(name: bytes) -> bytes:
    """The kernel writes a newline as backslash n and a backslash twice; NUL cannot occur in a name."""
    return name.replace(b"\\\\", b"\0").replace(b"\\n", b"\n").replace(b"\0", b"\\")
