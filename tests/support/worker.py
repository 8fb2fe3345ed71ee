"""A process that does what a test tells it to, line by line, from its first instruction on in a test's own cgroup."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.scratch import ScratchCgroup

MIB = 1024 * 1024
_LISTENS = """
import ctypes, mmap, os, sys, time
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


class Worker:
    """A running process; `do` has it carry out one line of Python and waits until that is done."""

    def __init__(self, started: subprocess.Popen[str]) -> None:
        self._started = started
        self.pid = started.pid

    def do(self, line: str) -> None:
        """Carry out one line; fails when the process has ended meanwhile."""
        assert self._started.stdin is not None and self._started.stdout is not None
        self._started.stdin.write(line + "\n")
        self._started.stdin.flush()
        assert self._started.stdout.readline() == "done\n", f"the worker ended at: {line}"

    def begin(self, line: str) -> None:
        """Begin to carry out one line that the process may not survive."""
        assert self._started.stdin is not None
        self._started.stdin.write(line + "\n")
        self._started.stdin.flush()

    def hold(self, count: int) -> None:
        """Keep so many more bytes of anonymous memory, every page of it touched."""
        self.do(f"globals().setdefault('held', []).append(b'x' * {count})")

    def wait(self, seconds: float = 30.0) -> int:
        """Wait until it has ended; its exit code, negative for a signal."""
        return self._started.wait(seconds)


@contextmanager
def worker(group: ScratchCgroup | None = None, *, own_group: bool = False) -> Iterator[Worker]:
    """A worker in `group`, or where this process is; killed when the test leaves the block."""
    argv = [sys.executable, "-I", "-S", "-c", _LISTENS]
    if group is not None:
        argv = ["/bin/sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(group.directory), *argv]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, process_group=0 if own_group else None) as started:
        try:
            one = Worker(started)
            one.do("pass")
            yield one
        finally:
            if own_group:
                os.killpg(started.pid, signal.SIGKILL)  # with the children that it may have made
            started.kill()


def in_child(work: Callable[[], object]) -> None:
    """Do the work in a forked child, for what would change this process for good; its failure becomes ours."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - a child of fork must not return into the test runner
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed, see its stderr"


def settle(seconds: float = 0.05) -> None:
    """Let the kernel's batched counters catch up."""
    time.sleep(seconds)
