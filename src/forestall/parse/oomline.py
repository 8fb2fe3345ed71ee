"""Single lines of a kernel OOM report (mm/oom_kill.c, mm/memcontrol.c), without their log prefix.

`comm` may hold anything but NUL, brackets and commas included, and cgroup
names nearly anything: lines are therefore read from both ends, and a path that
stays ambiguous is None.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LINE_CHARACTERS_MAX: Final = 8192

_COUNT: Final = r"([0-9]{1,10})"
_KILLED: Final = re.compile(
    rf"(?:([A-Z][A-Za-z ]{{1,60}}(?:\(\w{{1,40}}\))?): )?Killed process {_COUNT}(?:, UID {_COUNT},)? "
    rf"\((.*)\)(?:, UID {_COUNT},)?([^()]*)",
    re.DOTALL | re.ASCII,
)
_SELECTED: Final = re.compile(rf"([A-Z][A-Za-z ]{{1,60}}(?:\(\w{{1,40}}\))?): Kill process {_COUNT} \(", re.ASCII)
_SKIPPED: Final = re.compile(rf"[A-Z][A-Za-z ]{{1,60}}: OOM victim {_COUNT} \(.*\) is already exiting", re.DOTALL)
_SIZE: Final = re.compile(r"([a-z-]{1,20}):([0-9]{1,20})kB")
_UID: Final = re.compile(rf"UID:{_COUNT} ")
_SCORE_ADJ: Final = re.compile(r"oom_score_adj:(-?[0-9]{1,4})")
_SUMMARY_END: Final = re.compile(rf",pid={_COUNT},uid={_COUNT}\Z")
_CONSTRAINT: Final = re.compile(r"oom-kill:constraint=CONSTRAINT_([A-Z_]{1,32}),")
_GROUP: Final = re.compile(r"Tasks in (/.*) are going to be killed due to memory\.oom\.group set\s*", re.DOTALL)
_LIMIT_HIT: Final = re.compile(r"Task in (/.*) killed as a result of limit of (/.*)", re.DOTALL)
_LIMIT_HIT_FIRST: Final = re.compile(r"Task in (/.*) killed", re.DOTALL)
_LIMIT_HIT_SECOND: Final = re.compile(r" ?as a result of limit of (/.*)", re.DOTALL)

_SIZE_KIB_MAX: Final = 2**53
"""Larger ones are negative counters shown without their sign (percpu counters, Linux 6.2 and later)."""


class Victim(NamedTuple):
    """A "Killed process" line: who it was, its sizes in bytes by the kernel's names, and the scope if it is said."""

    pid: int
    comm: str
    uid: int | None
    constraint: str | None
    sizes_bytes: dict[str, int]
    oom_score_adj: int | None


class LimitHit(NamedTuple):
    """A "Task in A killed as a result of limit of B" line of Linux 4.20 and before, or one half of it."""

    task: str | None
    limit: str | None


class Summary(NamedTuple):
    """An "oom-kill:" line: `constraint` in lower case, and `head`, what stands before `,pid=`."""

    pid: int
    uid: int
    constraint: str
    head: str

    def memory_cgroups(self, comm: str) -> tuple[str | None, str | None]:
        """(cgroup whose limit was hit, victim's cgroup), given the victim's name from its own line."""
        end = f",task={comm}"
        before = self.head.removesuffix(end) if self.head.endswith(end) else self.head.rpartition(",task=")[0]
        pairs = [_paths(before, match.start()) for match in re.finditer(",task_memcg=/", before)]
        if len(pairs) == 1:
            return pairs[0]
        # A hostile cgroup name holds the separator: only a victim at or below the limit makes sense.
        likely = [
            (limit, task) for limit, task in pairs if limit and task and f"{task}/".startswith(f"{limit.rstrip('/')}/")
        ]
        return likely[0] if len(likely) == 1 else (None, None)


def victim(text: str) -> Victim | None:
    """The process that a "Killed process" line names, or None for any other line."""
    if "Killed process " not in text or len(text) > LINE_CHARACTERS_MAX:
        return None
    match = _KILLED.fullmatch(text)
    if match is None:
        return None
    # A number counts only with what the kernel prints behind it: a cut line ends in half a number.
    sizes_kib = {name: int(number) for name, number in _SIZE.findall(match[6])}
    uid = match[3] or match[5] or _first(_UID, match[6])
    score_adj = _first(_SCORE_ADJ, match[6])
    return Victim(
        pid=int(match[2]),
        comm=match[4],
        uid=None if uid is None else int(uid),
        constraint=_scope(match[1]),
        oom_score_adj=None if score_adj is None else int(score_adj),
        sizes_bytes={name: kib * 1024 for name, kib in sizes_kib.items() if kib < _SIZE_KIB_MAX},
    )


def announced_constraint(text: str) -> str | None:
    """The scope that a "Kill process N (c) score S or sacrifice child" line names, or None for any other line.

    Linux 5.0 and before; the process it names was selected, but a child may die in its place.
    """
    match = _SELECTED.match(text)
    return None if match is None else _scope(match[1])


def skipped_pid(text: str) -> int | None:
    """The pid of a victim that was exiting already and is not killed, or None for any other line."""
    match = _SKIPPED.match(text, 0, LINE_CHARACTERS_MAX)
    return None if match is None else int(match[1])


def summary(text: str) -> Summary | None:
    """The "oom-kill:" summary (Linux 5.0 and later), or None for any other or a cut line."""
    constraint = _CONSTRAINT.match(text)
    if constraint is None or len(text) > LINE_CHARACTERS_MAX:
        return None
    end = _SUMMARY_END.search(text)
    if end is None:
        return None
    return Summary(int(end[1]), int(end[2]), constraint[1].lower(), text[: end.start()])


def group_path(text: str) -> str | None:
    """The cgroup that is killed whole because of memory.oom.group, or None for any other line."""
    match = _GROUP.fullmatch(text, 0, LINE_CHARACTERS_MAX)
    return None if match is None else match[1]


def limit_hit(text: str) -> LimitHit | None:
    """Victim's cgroup and limit's cgroup as kernels before 5.0 tell them, or None for any other line."""
    if (both := _LIMIT_HIT.fullmatch(text, 0, LINE_CHARACTERS_MAX)) is not None:
        return LimitHit(both[1], both[2])
    if (first := _LIMIT_HIT_FIRST.fullmatch(text, 0, LINE_CHARACTERS_MAX)) is not None:
        return LimitHit(first[1], None)
    second = _LIMIT_HIT_SECOND.fullmatch(text, 0, LINE_CHARACTERS_MAX)
    return None if second is None else LimitHit(None, second[1])


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return None if match is None else match[1]


def _scope(words: str | None) -> str | None:
    if words is None:
        return None
    return "memcg" if words.startswith("Memory cgroup") else "none" if words.startswith("Out of memory") else None


def _paths(before: str, split: int) -> tuple[str | None, str | None]:
    """Limit's and victim's cgroup when the victim's begins at `split`."""
    task = before[split:].removeprefix(",task_memcg=")
    _, found, limit = before[:split].partition(",oom_memcg=")
    return (limit if found and limit.startswith("/") else None, task)
