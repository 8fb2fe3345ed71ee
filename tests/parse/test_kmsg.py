"""Records of the kernel log, and the kills they tell."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.errors import Malformed
from forestall.parse.kmsg import (
    PAIR_MICROSECONDS_MAX,
    PENDING_MAX,
    RECORD_BYTES_MAX,
    KillLine,
    KillReader,
    Record,
    record,
)
from tests.support.samples import sample
from tests.support.tree import TREE

KILLED = (
    "{scope}: Killed process {pid} (leaker) total-vm:1052kB, anon-rss:980kB, file-rss:4kB, shmem-rss:0kB, "
    "UID:33 pgtables:48kB oom_score_adj:500"
)
SUMMARY = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    "oom_memcg=/limit,task_memcg=/limit/{pid},task=leaker,pid={pid},uid=33"
)
GROUP = "Tasks in /limit/a are going to be killed due to memory.oom.group set"
MEMCG = "Memory cgroup out of memory"
CORPUS = Path(os.environ.get("FORESTALL_CORPUS", TREE.parent / "shared" / "corpus")) / "oom"
RAW_PREFIX = re.compile(r"\[ *(\d+)\.(\d{6})\](?: ?\[ *[TC]\d+\])? (.*)", re.DOTALL)


def killed(pid: int, scope: str = MEMCG) -> str:
    """A kill line of a current kernel."""
    return KILLED.format(scope=scope, pid=pid)


def read(texts: Iterable[str], microseconds_apart: int = 100) -> list[KillLine]:
    """All kills that a reader sees in these lines, one after the other."""
    reader = KillReader()
    records = (Record(6, number, number * microseconds_apart, text) for number, text in enumerate(texts))
    return [kill for item in records if (kill := reader.feed(item)) is not None]


def test_a_record_is_taken_apart() -> None:
    """Header, text without its dictionary lines, and escaped bytes as they were."""
    raw = b"30,339,5140900,-,caller=T812;text \\x5c \\x0a \\xff; and, more\n SUBSYSTEM=pci\n DEVICE=x\n"
    assert record(raw) == Record(6, 339, 5140900, "text \\ \n \udcff; and, more", facility=3)


@pytest.mark.parametrize(
    "raw",
    [b"", b"no header", b"6,339;text", b"6,339,x,-;text", b"-6,1,1,-;t", b"6,1,1,-;" + b"x" * RECORD_BYTES_MAX],
)
def test_a_record_without_header_is_malformed(raw: bytes) -> None:
    """Also one that is longer than the kernel makes them."""
    with pytest.raises(Malformed):
        record(raw)


def test_real_kills_are_read_whole_under_hostile_names() -> None:
    """Three kills captured from /dev/kmsg; two victims tried to look like other lines."""
    reader = KillReader()
    records = [record(raw + b"\n") for raw in sample("linux-6.18-v1", "kmsg").splitlines()]
    kills = [kill for item in records if (kill := reader.feed(item)) is not None]
    assert [(kill.pid, kill.comm) for kill in kills] == [
        (14445, "leaker"),
        (14446, "a) b, (c],pid=1"),
        (14447, "new\\nline \\xff\\"),
    ]
    assert {(kill.oom_memcg, kill.task_memcg) for kill in kills} == {
        ("/forestall-sample", "/forestall-sample/my\\x2dapp.service")
    }
    assert kills[0] == KillLine(
        microseconds=2269060563,
        pid=14445,
        comm="leaker",
        constraint="memcg",
        oom_memcg="/forestall-sample",
        task_memcg="/forestall-sample/my\\x2dapp.service",
        group_memcg=None,
        uid=0,
        total_vm_bytes=33016 * 1024,
        anon_rss_bytes=23164 * 1024,
        file_rss_bytes=3648 * 1024,
        shmem_rss_bytes=0,
        pgtables_bytes=108 * 1024,
        oom_score_adj=500,
    )


def test_a_bare_kill_line_is_a_kill() -> None:
    """In a storm the kernel drops the summaries: what was not said is None, the scope is in the line."""
    first, second = read([killed(1), killed(2, "Out of memory")])
    assert (first.pid, first.constraint, first.oom_memcg, first.task_memcg, first.uid) == (1, "memcg", None, None, 33)
    assert (second.pid, second.constraint, second.anon_rss_bytes) == (2, "none", 980 * 1024)


def test_interleaved_kills_keep_their_own_summaries() -> None:
    """Lines of two processors are joined by pid, not by order."""
    kills = read([SUMMARY.format(pid=1), SUMMARY.format(pid=2), "noise", killed(2), killed(1)])
    assert [(kill.pid, kill.task_memcg) for kill in kills] == [(2, "/limit/2"), (1, "/limit/1")]


def test_a_summary_is_used_once_and_only_soon() -> None:
    """A later process with the same pid does not inherit it."""
    assert [kill.oom_memcg for kill in read([SUMMARY.format(pid=1), killed(1), killed(1)])] == ["/limit", None]
    assert [kill.oom_memcg for kill in read([SUMMARY.format(pid=1), killed(1)], PAIR_MICROSECONDS_MAX + 1)] == [None]


def test_a_skipped_victim_leaves_no_summary_behind() -> None:
    """The kernel says that the process was exiting already: nobody was killed."""
    skipped = f"{MEMCG}: OOM victim 1 (leaker) is already exiting. Skip killing the task"
    (kill,) = read([SUMMARY.format(pid=1), skipped, killed(1)])
    assert kill.oom_memcg is None


def test_kills_of_kernels_before_5_0_get_limit_and_scope_from_other_lines() -> None:
    """The limit stands before, the scope beside the process that was selected."""
    selected = f"{MEMCG}: Kill process 7 (java) score 121 or sacrifice child"
    bare = "Killed process 8 (java) total-vm:1052kB, anon-rss:980kB, file-rss:4kB"
    whole = read(["Task in /v killed as a result of limit of /l", selected, bare])
    halves = read(["Task in /v killed", " as a result of limit of /l", selected, bare])
    assert whole[0]._replace(microseconds=0) == halves[0]._replace(microseconds=0)
    assert (whole[0].pid, whole[0].constraint, whole[0].oom_memcg, whole[0].task_memcg) == (8, "memcg", "/l", "/v")
    (_, unannounced) = read([selected, bare, bare])
    assert unannounced.constraint is None
    (late,) = read(["Task in /v killed as a result of limit of /l", selected, bare], PAIR_MICROSECONDS_MAX + 1)
    assert (late.constraint, late.oom_memcg) == (None, None)


def test_a_limit_told_for_a_cgroup_is_not_given_to_a_global_kill() -> None:
    """Each kill gets only what was said of it."""
    (kill,) = read(
        [
            "Task in /v killed as a result of limit of /l",
            "Out of memory: Kill process 7 (x) score 1 or",
            killed(7, "Out of memory"),
        ]
    )
    assert (kill.constraint, kill.oom_memcg) == ("none", None)


def test_a_group_kill_tells_who_began_it_and_who_went_along() -> None:
    """With memory.oom.group the first victim is printed twice and counted once; the rest carry the limit hit."""
    first, *others = read([SUMMARY.format(pid=1), killed(1), GROUP, killed(1), killed(2), killed(3)])
    assert (first.pid, first.group_memcg, first.oom_memcg) == (1, None, "/limit")
    assert [(kill.pid, kill.group_memcg, kill.oom_memcg, kill.task_memcg) for kill in others] == [
        (2, "/limit/a", "/limit", None),
        (3, "/limit/a", "/limit", None),
    ]


def test_a_group_kill_ends_with_the_next_oom() -> None:
    """A kill with a summary of its own, one of another scope or a late one is none of the group's."""
    begin = [SUMMARY.format(pid=1), killed(1), GROUP]
    assert read([*begin, SUMMARY.format(pid=9), killed(9), killed(1)])[1].group_memcg is None
    assert read([*begin, SUMMARY.format(pid=9), killed(9), killed(1)])[2].pid == 1
    assert read([*begin, killed(9, "Out of memory")])[1].group_memcg is None
    assert [kill.group_memcg for kill in read([*begin, killed(1)], PAIR_MICROSECONDS_MAX + 1)] == [None, None]


def test_a_group_line_without_a_kill_before_it_is_ignored() -> None:
    """When the reader begins in the middle, kills are still kills."""
    (kill,) = read([GROUP, killed(2)])
    assert kill.group_memcg is None


def test_what_a_process_writes_to_the_log_is_not_believed() -> None:
    """Only the kernel's own facility tells kills."""
    assert KillReader().feed(record(b"12,1,1,-;" + killed(1).encode())) is None
    assert KillReader().feed(record(b"3,1,1,-;" + killed(1).encode())) is not None


def test_a_storm_of_summaries_is_forgotten_from_the_oldest() -> None:
    """What waits for its kill line is bounded."""
    pids = range(PENDING_MAX + 1)
    kills = read([SUMMARY.format(pid=pid) for pid in pids] + [killed(pid) for pid in (pids[0], pids[1], pids[-1])])
    assert [kill.oom_memcg for kill in kills] == [None, "/limit", "/limit"]


@given(st.lists(st.sampled_from([SUMMARY.format(pid=1), SUMMARY.format(pid=2), killed(1), killed(2), GROUP, "noise"])))
def test_every_kill_line_is_told_once_but_for_the_repeated_first_of_a_group(texts: list[str]) -> None:
    """Whatever the order of lines, no kill is invented, and none is lost outside a group."""
    kills = read(texts)
    lines = [text for text in texts if "Killed process" in text]
    assert len(kills) <= len(lines)
    if GROUP not in texts:
        assert len(kills) == len(lines)


def kills_of_report(path: Path) -> list[KillLine]:
    """The kills in a saved log, its lines stripped of the plain time prefix."""
    reader, kills = KillReader(), []
    for number, line in enumerate(path.read_bytes().decode("utf-8", "surrogateescape").splitlines()):
        match = RAW_PREFIX.match(line)
        if match is not None:
            at = int(match[1]) * 1_000_000 + int(match[2])
            kills.append(reader.feed(Record(3, number, at, match[3].rstrip())))
    return [kill for kill in kills if kill is not None]


def test_victims_of_real_reports_are_named() -> None:
    """Of public reports with the kernel's plain prefix on a whole kill line, every victim is the one read by hand."""
    if not CORPUS.is_dir():
        pytest.skip("needs the corpus of OOM reports (FORESTALL_CORPUS)")
    graded, wrong = 0, []
    for facts_path in sorted(CORPUS.glob("*.json")):
        facts, log = json.loads(facts_path.read_text()), facts_path.with_suffix(".log")
        whole = re.search(rb"(?m)^\[ *\d.*Killed process \d+ \(.*\)", log.read_bytes())
        if whole is None or facts["victim_pid"] is None:
            continue
        graded += 1
        kills = kills_of_report(log)
        if not kills or (kills[0].pid, kills[0].comm) != (facts["victim_pid"], facts["victim_comm"]):
            wrong.append(facts_path.stem)
    assert graded > 0
    assert wrong == []
