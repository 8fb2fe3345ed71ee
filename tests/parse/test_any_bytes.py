"""Every parser against arbitrary bytes and damaged captures: nothing but Malformed, soon, and bounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forestall.model.errors import Absent, Malformed
from forestall.parse import cgroup, kmsg, loadavg, meminfo, mounts, procpid, procstat, psi, smaps, text, vmstat
from tests.support.samples import everywhere

SECONDS_MAX: Final = 1.0
"""For 64 KiB, the most that is read of a file; generous, because others work on the machine too."""


def kill_of(raw: bytes) -> object:
    """The kill in one record, after one that announced it."""
    reader = kmsg.KillReader()
    reader.feed(
        kmsg.Record(6, 1, 1, "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/a,task_memcg=/a,task=b,pid=1,uid=0")
    )
    return reader.feed(kmsg.record(raw))


def hierarchy(raw: bytes) -> object:
    """The memory hierarchy, where Absent is an answer too."""
    try:
        return mounts.memory_hierarchy(mounts.parse(raw))
    except Absent:
        return None


PARSERS: Final[dict[str, tuple[Callable[[bytes], object], str]]] = {
    "printable": (text.printable, "pid.stat"),
    "meminfo": (meminfo.parse, "meminfo"),
    "vmstat": (vmstat.parse, "vmstat"),
    "psi": (psi.parse, "*pressure"),
    "loadavg": (loadavg.parse, "loadavg"),
    "procstat": (procstat.parse, "stat"),
    "mounts": (mounts.parse, "mountinfo"),
    "memory_hierarchy": (hierarchy, "mountinfo"),
    "count": (cgroup.count, "memory.usage_in_bytes"),
    "limit": (cgroup.limit, "memory.*"),
    "pids": (cgroup.pids, "cgroup.procs"),
    "flat": (cgroup.flat, "memory.*"),
    "pick": (lambda raw: cgroup.pick(raw, (b"anon", b"total_rss", b"oom_kill")), "memory.*"),
    "memory_path v1": (lambda raw: cgroup.memory_path(raw, 1), "pid.cgroup"),
    "memory_path v2": (lambda raw: cgroup.memory_path(raw, 2), "pid.cgroup"),
    "statm": (lambda raw: procpid.statm(raw, 4096), "pid.statm"),
    "stat": (procpid.stat, "pid.stat"),
    "status": (procpid.status, "*.status"),
    "smaps_rollup": (smaps.rollup, "pid.smaps_rollup"),
    "record": (kmsg.record, "kmsg"),
    "kill": (kill_of, "kmsg"),
}


def outcome(parser: Callable[[bytes], object], raw: bytes) -> object:
    """What the parser returns, None for Malformed; anything else it raises fails the test."""
    try:
        return parser(raw)
    except Malformed as caught:
        error = caught
    assert len(error.excerpt) <= 200
    assert str(error).isprintable()
    return None


@st.composite
def damaged(draw: st.DrawFn, names: str) -> bytes:
    """A capture with a piece cut out, doubled, overwritten or moved, or only its tail or head."""
    raw = draw(st.sampled_from(everywhere(names)))
    start, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
    piece = raw[start:end]
    noise = draw(st.one_of(st.binary(max_size=40), st.sampled_from([b"\n", b" ", b":", b")", b"-1", b"\0", b"9" * 30])))
    return draw(
        st.sampled_from(
            [
                piece,
                raw[:start] + raw[end:],
                raw[:start] + noise + raw[start:],
                raw[:start] + noise + raw[end:],
                raw + piece,
                piece + raw,
            ]
        )
    )


@pytest.mark.parametrize("name", PARSERS)
@given(st.data())
def test_damaged_captures_are_read_or_malformed(name: str, data: st.DataObject) -> None:
    """A real file with any piece cut, doubled or overwritten raises nothing but Malformed."""
    parser, names = PARSERS[name]
    outcome(parser, data.draw(damaged(names)))


@pytest.mark.parametrize("name", PARSERS)
@given(raw=st.binary())
@example(raw=b"")
@example(raw=b"\n")
@example(raw=b"\0")
@example(raw=b"9" * 5000)
@example(raw=b"3,1,1,-;Killed process 1 (")
def test_any_bytes_are_read_or_malformed(name: str, raw: bytes) -> None:
    """Whatever the file holds, it raises nothing but Malformed."""
    outcome(PARSERS[name][0], raw)


LONG: Final = {
    "lines": b"key 1\n" * 11000,
    "distinct lines": b"".join(b"key%d 1\n" % number for number in range(6000)),
    "blanks": b" " * 65536,
    "colons": b":" * 65536,
    "brackets": b")" * 32768 + b" (" * 16384,
    "digits": b"9" * 65536,
    "kills": b"3,1,1,-;" + b"Killed process 1 (" * 450,
    "brackets of a kill": b"3,1,1,-;Killed process 1 (" + b") " * 4000,
    "groups": b"3,1,1,-;Tasks in /" + b" are going to be killed" * 350,
    "limits": b"3,1,1,-;Task in /" + b" killed as a result of limit of /" * 240,
    "fields": b"3,1,1,-;oom-kill:constraint=CONSTRAINT_MEMCG," + b",task_memcg=/" * 600 + b",task=x,pid=1,uid=0",
    "escapes": b"3,1,1,-;" + b"\\x5c" * 2000,
    "octal": b"1 2 3 /" + b"\\040" * 16000 + b" / rw - a b c",
    "dashes": b" - " * 21000,
    "newlines": b"\n" * 65536,
}


@pytest.mark.parametrize("shape", LONG)
@pytest.mark.parametrize("name", PARSERS)
def test_the_longest_file_ends_soon_and_stays_bounded(name: str, shape: str) -> None:
    """64 KiB made to be slow are read or refused in time, and what comes out is no larger than what went in."""
    raw = LONG[shape]
    began = time.monotonic()
    found = outcome(PARSERS[name][0], raw)
    assert time.monotonic() - began < SECONDS_MAX
    assert len(repr(found)) <= 8 * len(raw) + 1000
