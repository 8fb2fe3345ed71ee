"""Hands: one job each, in a process group of its own, ended at the deadline, with an answer in every case."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.act import Job
from forestall.agent.hand import OUTPUT_BYTES_MAX, Hand, Result, living
from forestall.model.action import DONE, FAILED
from forestall.system.clock import boottime_seconds
from tests.support.limits import open_files
from tests.support.processes import gone, state, wait_until


@pytest.fixture
def hand() -> Iterator[Hand]:
    """A hand that stands ready."""
    one = Hand()
    yield one
    one.close()


def job(*argv: str, deadline: float = 10.0, **environment: str) -> Job:
    """A job with a deadline in seconds."""
    return Job(argv, tuple(environment.items()), deadline)


def carry_out(hand: Hand, wanted: Job, seconds: float = 15.0) -> Result:
    """Give the job and wait for its result, as the guard's poll does."""
    assert hand.take(wanted, boottime_seconds())
    poller = select.poll()
    poller.register(hand.fd, select.POLLIN)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        poller.poll(200)
        result = hand.look(boottime_seconds())
        if result is not None:
            return result
    raise AssertionError("the hand did not answer")


def test_a_program_that_ends_well_is_done(hand: Hand) -> None:
    """Exit code 0 is DONE; what the program said and how long it took is told."""
    result = carry_out(hand, job("sh", "-c", "echo restarted; echo quietly >&2; sleep 0.2"))
    assert result.result == DONE
    assert "restarted\nquietly" in result.words
    assert 0.2 <= result.seconds < 5.0


def test_a_program_that_fails_is_a_failure_with_its_words(hand: Hand) -> None:
    """Any other exit code is FAILED, with the code and the last words."""
    result = carry_out(hand, job("sh", "-c", "echo no such unit >&2; exit 5"))
    assert (result.result, "exit code 5" in result.words, "no such unit" in result.words) == (FAILED, True, True)


def test_a_program_that_is_not_there_is_a_failure(hand: Hand) -> None:
    """A missing program is FAILED and named."""
    result = carry_out(hand, job("/nonexistent/restart"))
    assert result.result == FAILED
    assert "/nonexistent/restart" in result.words


@pytest.mark.parametrize("argv", [(), ("",), ("sh", "a\0b")])
def test_words_that_no_program_can_have_are_a_failure(hand: Hand, argv: tuple[str, ...]) -> None:
    """An empty command or a NUL byte is FAILED, not a crash of the hand."""
    assert carry_out(hand, job(*argv)).result == FAILED


def test_nothing_goes_through_a_shell(hand: Hand) -> None:
    """Words are words: a name with a semicolon or a substitution in it runs nothing."""
    result = carry_out(hand, job("echo", "; touch /tmp/x", "$(id)", "`id`", "a  b"))
    assert "; touch /tmp/x $(id) `id` a  b" in result.words


def test_the_environment_tells_of_the_target(hand: Hand) -> None:
    """The job's environment is on top of ours."""
    result = carry_out(hand, job("sh", "-c", 'echo "$FORESTALL_TARGET:${PATH:+path}"', FORESTALL_TARGET="api [1]"))
    assert "api [1]:path" in result.words


def test_the_whole_group_ends_at_the_deadline(hand: Hand, tmp_path: Path) -> None:
    """Also a background child that ignores TERM is gone when its leader has heeded it."""
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(r'{}', 'w').close(); time.sleep(60)"
    )
    ready = tmp_path / "ready"
    script = f'"{sys.executable}" -I -S -c "{deaf.format(ready)}" & echo $! >{tmp_path}/pid; wait'
    result = carry_out(hand, job("sh", "-c", script, deadline=1.0))
    assert result.result == FAILED
    assert "deadline of 1 s" in result.words
    assert ready.exists()
    pid = int((tmp_path / "pid").read_text(encoding="ascii"))
    wait_until(lambda: gone(pid), 2.0)


def test_a_program_that_ignores_term_is_killed(hand: Hand) -> None:
    """A leader that does not heed TERM ends two seconds later with KILL."""
    result = carry_out(hand, job("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done", deadline=0.2))
    assert result.result == FAILED
    assert 2.0 <= result.seconds < 4.0


def test_a_program_that_never_stops_talking_is_bounded(hand: Hand) -> None:
    """Only the last words of a flood are kept, and the deadline holds."""
    result = carry_out(hand, job("sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", deadline=0.5))
    assert result.result == FAILED
    assert 1000 < len(result.words) < OUTPUT_BYTES_MAX + 100


def test_words_that_are_no_text_come_through(hand: Hand) -> None:
    """Any bytes that a program says are told as text, cut to one line between our processes."""
    result = carry_out(hand, job("sh", "-c", "head -c 5000 /dev/urandom; exit 3"))
    assert result.result == FAILED
    assert "exit code 3" in result.words


def test_a_program_that_closes_its_output_costs_no_processor(hand: Hand) -> None:
    """The hand waits for the end of a silent program without spinning."""
    assert hand.take(job("sh", "-c", "exec >/dev/null 2>&1; sleep 1"), boottime_seconds())
    time.sleep(0.9)
    ticks = Path(f"/proc/{hand.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    assert sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") < 0.3


def test_a_long_job_is_taken(hand: Hand) -> None:
    """Names as long as a cgroup's owner likes do not keep an act from being carried out."""
    result = carry_out(hand, job("sh", "-c", "echo ${#1}", "sh", "n" * 20_000))
    assert result.result == DONE
    assert "20000" in result.words


def test_a_hand_that_dies_is_a_failure(hand: Hand) -> None:
    """A hand killed in the middle of its job is told as FAILED."""
    hand.take(job("sleep", "2"), boottime_seconds())
    os.kill(hand.pid, signal.SIGKILL)
    results: list[Result] = []

    def answered() -> bool:
        result = hand.look(boottime_seconds())
        results.extend([result] if result is not None else [])
        return bool(results)

    wait_until(answered)
    assert results[0].result == FAILED
    assert not hand.ready()


def test_a_hand_that_is_dead_takes_no_job(hand: Hand) -> None:
    """Whoever gives a job to a dead hand is told at once."""
    os.kill(hand.pid, signal.SIGKILL)
    wait_until(lambda: gone(hand.pid))
    assert not hand.take(job("true"), boottime_seconds())


def test_a_hand_that_hangs_is_overdue(hand: Hand) -> None:
    """Five seconds past the deadline the guard ends the hand's program itself; the clock is handed in."""
    now = boottime_seconds()
    assert hand.take(job("sleep", "30", deadline=1.0), now)
    group: list[int] = []

    def program_runs() -> bool:
        hand.look(now)
        group[:] = [hand._group] if hand._group else []
        return bool(group)

    wait_until(program_runs)
    os.kill(hand.pid, signal.SIGSTOP)
    assert hand.look(now + 5.9) is None
    result = hand.look(now + 6.1)
    assert result is not None
    assert (result.result, "killed" in result.words) == (FAILED, True)
    wait_until(lambda: gone(group[0]))


@pytest.mark.live
def test_what_a_hand_starts_is_like_any_program() -> None:
    """oom_score_adj 0, nice 0, an empty signal mask, default actions and no descriptor of ours."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    strangers = [os.open("/proc/self/stat", os.O_RDONLY) for _ in range(5)]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    hand = Hand()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    look = (
        "cat /proc/self/oom_score_adj; nice; grep -E '^Sig(Blk|Ign)' /proc/self/status; "
        "for fd in /proc/self/fd/*; do echo ${fd##*/}; done | tr '\\n' ' '"
    )
    words = carry_out(hand, job("bash", "-c", look)).words
    hand.close()
    for stranger in strangers:
        os.close(stranger)
    lines = words.partition(": ")[2].splitlines()
    assert lines[:2] == ["0", "0"]
    assert lines[2].split() == ["SigBlk:", "0" * 16]
    assert int(lines[3].split()[1], 16) == 0
    # 255 is the shell's own, one more the listing.
    assert len(set(lines[4].split()) - {"0", "1", "2", "255"}) <= 1


def test_a_hand_nobody_needs_ends_with_the_guard() -> None:
    """Closing a hand ends it; one whose guard died ends by itself when its pipe closes."""
    hand = Hand()
    pid = hand.pid
    hand.close()
    assert state(pid) == ""
    orphan = Hand()
    orphan._job.close()
    wait_until(lambda: gone(orphan.pid), 2.0)
    orphan.close()


def test_without_descriptors_there_is_a_hand_that_takes_nothing() -> None:
    """A deed fails with the reason, the guard does not; the next hand is a real one again."""
    with open_files(3):
        one = Hand()
    assert "no hand could be made" in one.trouble
    assert not one.ready()
    assert not one.take(job("true"), boottime_seconds())
    result = one.look(boottime_seconds())
    assert result is not None
    assert (result.result, result.words) == (FAILED, one.trouble)
    one.close()
    other = living(one)
    assert other.ready()
    other.close()
