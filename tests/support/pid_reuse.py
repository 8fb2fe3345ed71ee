"""Two processes with the same pid, one after the other: run as the first process of a PID namespace of its own.

`unshare --pid --fork --mount-proc python3 pid_reuse.py SOURCE_DIRECTORY`; ends with 0 when no stranger was
hit and none was taken for the process that was there before.
"""

from __future__ import annotations

import os
import signal
import sys
import time

sys.path.insert(0, sys.argv[1])

from forestall.collect.process import ProcessCollector
from forestall.model.errors import Absent
from forestall.system.process import Held
from forestall.system.procfs import Procfs


def sleeper() -> int:
    """Start a process that sleeps, in a group of its own."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        time.sleep(60)
        os._exit(0)
    return pid


def end(pid: int) -> None:
    """End a child and let its pid be given out again."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def next_pid(pid: int) -> None:
    """Have the kernel give out this pid next (Documentation/admin-guide/sysctl/kernel.rst, ns_last_pid)."""
    with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
        file.write(str(pid - 1))


def main() -> None:
    """Hold a process, let a stranger take its pid, and try to hit it."""
    collector = ProcessCollector(Procfs(), 1, 4096)
    victim = sleeper()
    time.sleep(0.05)
    before = {tree.target.identity for tree in collector.collect(lambda _: False)}
    held = Held(victim)
    end(victim)
    time.sleep(0.02)  # starts are told apart by clock ticks of 10 ms
    next_pid(victim)
    stranger = sleeper()
    assert stranger == victim, "the kernel gave out another pid"
    time.sleep(0.05)
    try:
        held.signal(signal.SIGKILL)
    except Absent:
        pass
    else:
        raise AssertionError("a signal went to the stranger")
    assert not held.alive()
    assert os.waitpid(stranger, os.WNOHANG) == (0, 0), "the stranger was hit"
    after = {tree.target.identity for tree in collector.collect(lambda _: False)}
    mine = {identity for identity in before | after if identity.startswith(f"{victim}@")}
    assert len(mine) == 2, f"one identity for two processes: {mine}"
    assert len(mine & after) == 1
    end(stranger)


main()
