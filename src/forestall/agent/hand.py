"""Hands: children forked ahead that carry out what may block, one job each, with a deadline.

The guard hands over a job in one write and goes on; the hand starts the program
in a process group of its own, waits, ends the whole group when the deadline has
passed, and tells what came of it.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

from forestall.act import Job
from forestall.agent.lines import Inlet, Outlet, fitted, pipe_in
from forestall.agent.offspring import Child, fork_child
from forestall.model.action import DONE, FAILED
from forestall.model.errors import ForestallError
from forestall.system.clock import boottime_seconds
from forestall.system.process import Held, Launch, check_argv, exit_code, launch, open_pipe, reap, signal_group

OUTPUT_BYTES_MAX: Final = 2000
JOB_BYTES: Final = 60_000
"""Longest job: an empty pipe takes 64 KiB whole. Paths and names in it are as long as their owners like."""
KILL_AFTER_TERM_SECONDS: Final = 2.0
READS_A_DRAIN: Final = 64
"""Of 64 KiB each: a program that never stops talking must not keep its hand from looking at the clock."""
OVERTIME_SECONDS: Final = 5.0
"""A hand that has not answered this long after its job's deadline is killed by the guard."""


class Result(NamedTuple):
    """What came of a job: DONE or FAILED, in words with the program's last output, and how long it took."""

    result: str
    words: str
    seconds: float


class Hand:
    """The guard's view of one hand; `fd` becomes readable when it has something to tell or has ended.

    Where no child could be made it takes no job, and `trouble` says why: a guard short of descriptors guards on.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self._child: Child | None = None
        self._job: Outlet | None = None
        self._told: Inlet | None = None
        self._deadline: float | None = None
        self._group = 0
        try:
            self._fork()
        except (OSError, ForestallError) as error:
            self.trouble = f"no hand could be made: {error}"

    def _fork(self) -> None:
        with ExitStack() as undo:
            job_reading, job_writing = pipe_in(undo)
            told_reading, told_writing = pipe_in(undo)
            self._child = fork_child(lambda: _work(job_reading, told_writing), (job_reading, told_writing))
            undo.pop_all()
        os.close(job_reading)
        os.close(told_writing)
        self._job, self._told = Outlet(job_writing, JOB_BYTES), Inlet(told_reading)

    @property
    def fd(self) -> int | None:
        """The descriptor to poll."""
        return None if self._told is None else self._told.fd

    @property
    def pid(self) -> int:
        """The hand's pid, 0 where there is none."""
        return 0 if self._child is None else self._child.pid

    def ready(self) -> bool:
        """Whether it still lives and can be given a job."""
        return self._child is not None and self._child.held.alive()

    def take(self, job: Job, now_seconds: float) -> bool:
        """Give it a job; False when it could not take it (it has died, or the job is too long)."""
        if self._job is None:
            return False
        self._deadline = now_seconds + job.deadline_seconds + OVERTIME_SECONDS
        return self._job.send({"argv": job.argv, "environment": job.environment, "deadline": job.deadline_seconds})

    def look(self, now_seconds: float) -> Result | None:
        """Return the result once there is one; a hand that has died or is overdue is a failure."""
        if self._told is None:
            return Result(FAILED, self.trouble, 0.0)
        for message in self._told.receive():
            if "group" in message:
                self._group = int(message["group"])
            else:
                return Result(str(message["result"]), str(message["words"]), float(message["seconds"]))
        if self._told.ended:
            return Result(FAILED, "the hand ended without a word", 0.0)
        if self._deadline is not None and now_seconds > self._deadline:
            if self._group:
                signal_group(self._group, signal.SIGKILL)
            return Result(FAILED, "the hand did not answer and was killed", now_seconds - self._deadline)
        return None

    def close(self) -> None:
        """End the hand, whatever it does."""
        if self._child is None or self._job is None or self._told is None:
            return
        self._child.kill()
        self._job.close()
        self._told.close()


def living(hand: Hand | None) -> Hand:
    """Return the hand if it still lives, and a new one otherwise: it may have been killed while it waited."""
    if hand is not None and hand.ready():
        return hand
    if hand is not None:
        hand.close()
    return Hand()


def _work(job_fd: int, told_fd: int) -> int:
    """Be a hand: wait for one job, carry it out, tell."""
    inlet, outlet = Inlet(job_fd), Outlet(told_fd)
    poller = select.poll()
    poller.register(job_fd, select.POLLIN)
    while not inlet.ended:
        poller.poll()
        for message in inlet.receive():
            outlet.send(fitted(_carry_out(message, outlet)))
            return 0
    return 0


def _carry_out(message: dict[str, Any], outlet: Outlet) -> dict[str, Any]:
    began = boottime_seconds()
    environment = {**os.environ, **dict(message["environment"])}
    try:
        reading, writing = open_pipe()
    except ForestallError as error:
        return {"result": FAILED, "words": str(error), "seconds": 0.0}
    os.set_blocking(reading, False)
    try:
        argv = check_argv([str(word) for word in message["argv"]])
        pid = launch(Launch(argv, environment, own_group=True, output=writing))
    except ForestallError as error:
        return {"result": FAILED, "words": str(error), "seconds": 0.0}
    finally:
        os.close(writing)
    outlet.send({"group": pid})
    return _wait(pid, reading, began, float(message["deadline"]))


def _wait(pid: int, output_fd: int, began: float, deadline_seconds: float) -> dict[str, Any]:
    """Wait for the program, its group ended at the deadline; its leader is reaped last, so that the id stays its."""
    held = Held(pid)
    poller = select.poll()
    poller.register(held.fd, select.POLLIN)
    output = Output(output_fd)
    signalled = False
    while held.alive():
        poller.poll(100)
        output.drain()
        lasted = boottime_seconds() - began
        if lasted > deadline_seconds + KILL_AFTER_TERM_SECONDS:
            signal_group(pid, signal.SIGKILL)
        elif lasted > deadline_seconds and not signalled:
            signal_group(pid, signal.SIGTERM)
            signalled = True
    if signalled:
        signal_group(pid, signal.SIGKILL)  # whoever of the group outlived the TERM that its leader heeded
    code = exit_code(_status(pid))
    seconds = boottime_seconds() - began
    said = output.drain()
    tail = f": {said}" if said else ""
    if signalled:
        words = f"ended at its deadline of {deadline_seconds:g} s{tail}"
        return {"result": FAILED, "words": words, "seconds": seconds}
    result = DONE if code == 0 else FAILED
    return {"result": result, "words": f"exit code {code} after {seconds:.1f} s{tail}", "seconds": seconds}


def _status(pid: int) -> int:
    """Return the wait status of a child that is known to have ended."""
    status = reap(pid)
    assert status is not None
    return status


class Output:
    """The last words of a program, taken from a pipe without waiting."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._kept = b""

    def drain(self) -> str:
        """Take what has come and return the last OUTPUT_BYTES_MAX bytes of all as text."""
        for _ in range(READS_A_DRAIN):
            try:
                got = os.read(self._fd, 65536)
            except BlockingIOError:
                break
            if not got:
                break
            self._kept = (self._kept + got)[-OUTPUT_BYTES_MAX:]
        return self._kept.decode("utf-8", "replace").strip()
