"""Finds the rows that a person means by a name, a pid, a path or an identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from forestall.model.errors import Absent
from forestall.model.target import PROCESS
from forestall.query.views import ServiceRow, below

NAMES_COMPARED_MAX: Final = 1000
"""Comparing letters is slow; nobody waits for a better guess."""

PID_DIGITS_MAX: Final = 10
"""A pid is an int of 32 bits (PID_MAX_LIMIT of the kernel is 2**22)."""

PathOf = Callable[[int], str]
"""The memory cgroup of a process, "" when it cannot be told."""


def find(rows: Iterable[ServiceRow], wanted: str, path_of: PathOf) -> tuple[ServiceRow, ...]:
    """All rows of that name (names may repeat), path, identity or `kind:name`; of a pid the row that holds it.

    A name may leave out its `.service`; a part of a name will do where it is a part of one name only. Absent when
    nothing fits, with the nearest names.
    """
    known = tuple(rows)
    for fits in (_exactly(wanted), _without_suffix(wanted)):
        found = tuple(row for row in known if fits(row))
        if found:
            return found
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= PID_DIGITS_MAX:
        return (_holder(known, int(wanted), path_of),)
    partly = tuple(row for row in known if wanted in row.name)
    if len({row.name for row in partly}) == 1:
        return partly
    raise Absent(f"target {wanted!r} is not running here", _suggestion(known, partly, wanted))


def _exactly(wanted: str) -> Callable[[ServiceRow], bool]:
    return lambda row: wanted in (row.name, row.path, row.identity, f"{row.kind}:{row.name}")


def _without_suffix(wanted: str) -> Callable[[ServiceRow], bool]:
    return lambda row: row.name in (f"{wanted}.service", f"{wanted}.scope")


def _holder(rows: tuple[ServiceRow, ...], pid: int, path_of: PathOf) -> ServiceRow:
    """The process tree that this pid leads, else the row of the innermost cgroup that it is in."""
    for row in rows:
        if row.identity.startswith(f"{pid}@"):
            return row
    path = path_of(pid)
    around = [row for row in rows if row.kind != PROCESS and row.path and below(path, row.path)]
    if not around:
        raise Absent(f"pid {pid} belongs to no row", "see all rows with: forestall status --all")
    return max(around, key=lambda row: len(row.path))


def _suggestion(rows: tuple[ServiceRow, ...], partly: tuple[ServiceRow, ...], wanted: str) -> str:
    from difflib import get_close_matches  # only a mistyped name pays for it

    names = {row.name.removesuffix(".service"): row.name for row in rows[:NAMES_COMPARED_MAX]}
    alike = get_close_matches(wanted.removesuffix(".service"), names, n=3)
    near = sorted({row.name for row in partly})[:3] or [names[name] for name in alike]
    return f"did you mean {', '.join(near)}?" if near else "see all rows with: forestall status --all"
