"""The inspector: what takes a target's lock is read by a child that may hang, never by us."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.agent.inspector import PROCESSES_MAX, Inspector
from forestall.system.procfs import Procfs
from tests.support.processes import HEEDS_TERM, python, started, state, wait_until


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    """An inspector of the real /proc."""
    one = Inspector(Procfs())
    yield one
    one.close()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[str]]:
    """A process with a telling command line."""
    with started(python(HEEDS_TERM, "a word", "line\nbreak")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def test_it_reads_mappings_and_command_line(inspector: Inspector, sleeper: subprocess.Popen[str]) -> None:
    """smaps_rollup and the command line come as text, made printable."""
    pieces = {piece.name: piece.text for piece in inspector.inspect([sleeper.pid])}
    assert "Rss:" in pieces[f"smaps_rollup {sleeper.pid}"]
    assert pieces[f"cmdline {sleeper.pid}"].endswith(r"a word line\nbreak")


def test_a_process_that_is_gone_is_told(inspector: Inspector, sleeper: subprocess.Popen[str]) -> None:
    """One that vanished costs only its own pieces."""
    sleeper.kill()
    sleeper.wait()
    pieces = {piece.name: piece.text for piece in inspector.inspect([sleeper.pid, os.getpid()])}
    assert "not to be had" in pieces[f"smaps_rollup {sleeper.pid}"]
    assert "Rss:" in pieces[f"smaps_rollup {os.getpid()}"]


def test_only_a_few_are_looked_at(inspector: Inspector) -> None:
    """However many are asked for, the work is bounded."""
    pieces = inspector.inspect([os.getpid()] * 50)
    assert len(pieces) == 2 * PROCESSES_MAX


def test_one_that_hangs_is_replaced(inspector: Inspector) -> None:
    """After the deadline it is killed, that is said, and the next question finds another."""
    inspector.inspect([os.getpid()])
    first = inspector.pid
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: state(first) == "T")
    began = time.monotonic()
    pieces = inspector.inspect([os.getpid()], deadline_seconds=0.3)
    assert 0.3 <= time.monotonic() - began < 1.0
    assert "replaced" in pieces[0].text
    assert (inspector.killed, state(first)) == (1, "")
    assert len(inspector.inspect([os.getpid()])) == 2
    assert inspector.pid != first


def test_one_that_was_killed_is_replaced(inspector: Inspector) -> None:
    """An inspector that the kernel ended between two questions is forked anew."""
    inspector.inspect([os.getpid()])
    os.kill(inspector.pid, signal.SIGKILL)
    time.sleep(0.1)
    assert len(inspector.inspect([os.getpid()])) == 2


def test_a_huge_process_is_not_walked(tmp_path: Path) -> None:
    """Above 4 GiB resident the lock would be held too long: it is said, and not done."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "statm").write_text("9000000 2000000 0 0 0 0 0\n", encoding="ascii")
    (tmp_path / "7" / "smaps_rollup").write_text("00-ff ---p 0 0:0 0 [rollup]\nRss: 8000000 kB\n", encoding="ascii")
    (tmp_path / "7" / "cmdline").write_bytes(b"huge\0")
    inspector = Inspector(Procfs(str(tmp_path)))
    (piece,) = inspector.inspect([7])
    inspector.close()
    assert "not walked: 8 GiB" in piece.text


def test_its_memory_is_capped(inspector: Inspector) -> None:
    """It cannot grow beyond 256 MiB, whatever it is fed."""
    inspector.inspect([os.getpid()])
    limits = Path(f"/proc/{inspector.pid}/limits").read_text(encoding="ascii")
    (size,) = [line.split()[3] for line in limits.splitlines() if line.startswith("Max data size")]
    assert int(size) == 256 * 2**20


def test_it_ends_with_its_owner(inspector: Inspector) -> None:
    """Closed, nothing of it is left; a second close does nothing."""
    inspector.inspect([os.getpid()])
    pid = inspector.pid
    inspector.close()
    inspector.close()
    assert state(pid) == ""
    assert inspector.pid == 0
