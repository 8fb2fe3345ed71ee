"""One process: statm, stat and status."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse import procpid
from tests.support.samples import sample

STAT = b"5135 (%b) R 5124 5120 2672 0 -1 4194304 103 0 0 0 7 9 0 0 20 0 3 0 116096 3133440 413\n"


def test_pages_become_bytes() -> None:
    """Sizes follow the page size of the host."""
    assert procpid.statm(b"765 441 413 5 0 123 0\n", 4096) == (765 * 4096, 441 * 4096, 413 * 4096)
    assert procpid.statm(b"765 441 413 5 0 123 0\n", 65536).resident_bytes == 441 * 65536
    assert procpid.statm(sample("linux-6.18-v1", "pid.statm"), 4096).resident_bytes > 0


@pytest.mark.parametrize("text", [b"", b"1 2", b"1 -2 3", b"a b c"])
def test_a_broken_statm_is_malformed(text: bytes) -> None:
    """Three numbers or an error."""
    with pytest.raises(Malformed):
        procpid.statm(text, 4096)


def test_the_fields_of_stat_are_found() -> None:
    """Family, ticks, threads and start time come from their places."""
    assert procpid.stat(STAT % b"cat") == procpid.Stat(5135, "cat", "R", 5124, 5120, 2672, 7, 9, 3, 116096)
    assert procpid.stat(sample("linux-6.18-v1", "pid.stat")).start_ticks > 0


@pytest.mark.parametrize(
    ("comm", "shown"),
    [
        (b"tmux: server", "tmux: server"),
        (b"(sd-pam)", "(sd-pam)"),
        (b") S 1 1 1 (", ") S 1 1 1 ("),
        (b"a\nb", "a\\nb"),
        (b"\xff\x1b", "\\xff\\x1b"),
        (b"", ""),
    ],
)
def test_a_process_cannot_lie_through_its_name(comm: bytes, shown: str) -> None:
    """Brackets, blanks and newlines in a name move no field, and the name is safe to print."""
    found = procpid.stat(STAT % comm)
    assert (found.comm, found.pid, found.ppid, found.start_ticks) == (shown, 5135, 5124, 116096)


def test_a_process_that_is_being_reaped_has_no_group() -> None:
    """The kernel then prints -1 for group and session."""
    found = procpid.stat(STAT.replace(b"R 5124 5120 2672", b"X 0 -1 -1") % b"gone")
    assert (found.pgrp, found.session) == (-1, -1)


@pytest.mark.parametrize(
    "text", [b"", b"1 (a) R", b"x (a) R" + b" 1" * 30, b"1 a R" + b" 1" * 30, b"1 (a) R" + b" x" * 30]
)
def test_a_broken_stat_is_malformed(text: bytes) -> None:
    """A missing or misplaced field is never guessed."""
    with pytest.raises(Malformed):
        procpid.stat(text)


def test_a_status_tells_owner_and_memory() -> None:
    """Sizes in bytes from a captured process."""
    found = procpid.status(sample("linux-6.18-v1", "pid.status"))
    assert found.uid == 0
    assert found.threads == 1
    assert found.anon_bytes is not None
    assert found.anon_bytes > 0
    assert found.swap_bytes == 0


def test_a_kernel_thread_has_no_memory_of_its_own() -> None:
    """What is not printed is None, not zero."""
    found = procpid.status(sample("linux-6.18-v1", "kthread.status"))
    assert (found.name, found.anon_bytes, found.swap_bytes) == ("kthreadd", None, None)


def test_escapes_of_a_name_are_undone_once() -> None:
    r"""The kernel writes newline as \n and backslash as \\."""
    text = b"Name:\ta\\nb\\\\n\nUid:\t1000\t0\t0\t0\nThreads:\t2\n"
    found = procpid.status(text)
    assert (found.name, found.uid, found.threads) == ("a\\nb\\n", 1000, 2)


@pytest.mark.parametrize("missing", [b"Name:", b"Uid:", b"Threads:"])
def test_a_status_without_its_owner_is_malformed(missing: bytes) -> None:
    """Name, uid and threads are always there."""
    with pytest.raises(Malformed):
        procpid.status(sample("linux-6.18-v1", "pid.status").replace(missing, b"Other:", 1))
