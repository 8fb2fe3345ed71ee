"""Processes: held by pidfd so that a signal never hits a stranger, and started clean.

A pid is a number that the kernel gives out again; a pidfd (pidfd_open(2)) is
the process itself: once that is gone, a signal through it is refused.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

from forestall.model.errors import Absent, Denied, Malformed
from forestall.system.files import told


class Held:
    """One process held by its pidfd; `fd` becomes readable when it ends."""

    __slots__ = ("fd", "pid")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self.fd = os.pidfd_open(pid)
        except OSError as error:
            raise told(error, f"process {pid}") from error

    def signal(self, number: int) -> None:
        """Send a signal to exactly this process; raises Absent when it is gone, Denied without CAP_KILL."""
        try:
            signal.pidfd_send_signal(self.fd, number)
        except ProcessLookupError as error:
            raise Absent(f"process {self.pid}") from error
        except PermissionError as error:
            raise Denied(f"signal to process {self.pid}", "CAP_KILL") from error

    def alive(self) -> bool:
        """Whether the process still runs (a zombie counts as ended: its pidfd is readable)."""
        import select

        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        return not poller.poll(0)

    def close(self) -> None:
        """Let the process go; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Launch(NamedTuple):
    """How to start a program. `join` are files to write "0" into before exec (cgroup.procs of its cgroups).

    `own_session` takes it away from our terminal and process group; `output` is a
    descriptor for its standard output and error (None: ours); `environment` None = ours.
    `dies_with_us`: SIGTERM reaches it when we end in whatever way (PR_SET_PDEATHSIG, prctl(2)).
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    join: tuple[str, ...] = ()
    own_session: bool = False
    own_group: bool = False
    output: int | None = None
    keep: tuple[int, ...] = ()
    dies_with_us: bool = False


def open_pipe() -> tuple[int, int]:
    """Make a pipe that exec closes and return its reading and its writing end; raises Malformed when none is left."""
    try:
        return os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        raise told(error, "pipe") from error


def launch(wanted: Launch) -> int:
    """Start a program in a clean state and return its pid; raises Absent, Denied or Malformed.

    Before exec the child takes default signal actions, an empty mask, nice 0 and
    oom_score_adj 0: whatever protects us must not protect what we start.
    """
    reading, writing = open_pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise told(error, f"start of {wanted.argv[0]}") from error
    if pid == 0:
        _become(wanted, writing)
    os.close(writing)
    try:
        told_bytes = os.read(reading, 64)
    finally:
        os.close(reading)
    if not told_bytes:
        return pid
    os.waitpid(pid, 0)
    step, number = told_bytes.decode("ascii").split()
    what = wanted.argv[0] if step == "exec" else f"start of {wanted.argv[0]} ({step})"
    raise told(OSError(int(number), os.strerror(int(number))), what)


def _become(wanted: Launch, report: int) -> None:
    """Turn this child into the wanted program; never returns."""
    step = "setup"
    try:
        step = "cgroup"
        for path in wanted.join:
            _write_plain(path, b"0")
        step = "setup"
        _reset(wanted)
        step = "exec"
        environment = os.environ if wanted.environment is None else wanted.environment
        os.execvpe(wanted.argv[0], list(wanted.argv), dict(environment))
    except OSError as error:
        os.write(report, f"{step} {error.errno or errno.EIO}".encode("ascii"))
    finally:
        os._exit(127)


def _reset(wanted: Launch) -> None:
    """Undo in this child everything that the parent keeps for itself."""
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    favour_nobody()
    if wanted.own_session:
        os.setsid()
    elif wanted.own_group:
        os.setpgid(0, 0)
    if wanted.output is not None:
        os.dup2(wanted.output, 1)
        os.dup2(wanted.output, 2)
    for descriptor in wanted.keep:
        os.set_inheritable(descriptor, True)
    if wanted.dies_with_us:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _write_plain(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def signal_group(group: int, number: int) -> None:
    """Send a signal to a process group that we made ourselves and whose leader we have not reaped yet."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise Denied(f"signal to process group {group}", "CAP_KILL") from error


def reap(pid: int) -> int | None:
    """Return the wait status of a child that has ended, None while it runs; raises Absent when it is not ours."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError as error:
        raise Absent(f"child {pid}") from error
    return status if ended == pid else None


def exit_code(status: int) -> int:
    """Return what a shell would show for a wait status: the exit code, or 128 + the signal."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def require_program(name: str) -> str:
    """Return the path of a program found as execvp would; raises Absent."""
    import shutil

    found = shutil.which(name)
    if found is None:
        raise Absent(f"program {name}", "give its path, or install it")
    return found


def check_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command; raises Malformed when there are none or one holds a NUL."""
    if not argv or not argv[0]:
        raise Malformed("command", "is empty")
    if any("\0" in word for word in argv):
        raise Malformed("command", "holds a NUL byte")
    return tuple(argv)


OWN_NICE: Final = -10
OWN_OOM_SCORE_ADJ: Final = -900
USUAL_OPEN_FILES: Final = 1024
"""What programs that use select(2) can live with, and what Linux and systemd give by default."""
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_PDEATHSIG: Final = 1


def favour_ourselves() -> None:
    """Ask to run before everything else and to be killed last; raises Denied when one of them was refused.

    SCHED_RR (sched(7)): on a host whose processors are all taken, nice and autogroups let a ready process wait
    for milliseconds at a time. Children do not inherit it. Where it is refused, nice is asked for.
    """
    refused = []
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, OWN_NICE)
        except OSError:
            refused.append("CAP_SYS_NICE")
    try:
        _write_plain("/proc/self/oom_score_adj", str(OWN_OOM_SCORE_ADJ).encode("ascii"))
    except OSError:
        refused.append("CAP_SYS_RESOURCE")
    if refused:
        raise Denied("running first and being killed last", " and ".join(refused))


def favour_nobody() -> None:
    """Take back `favour_ourselves`: nice 0 and oom_score_adj 0, for children of ours.

    Who was given a worse value than that by somebody else and may not change it keeps it.
    """
    with contextlib.suppress(OSError):
        _write_plain("/proc/self/oom_score_adj", b"0")
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def allow_open_files(count: int) -> None:
    """Raise this process's soft limit of open files to `count`, or to its hard limit where that is lower.

    Programs that use select(2) break above 1024, so what we start for others must not inherit it:
    for processes of ours that read, and start nothing (getrlimit(2)).
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def usual_open_files() -> None:
    """Take back `allow_open_files` in a child that starts programs for others: the usual soft limit of 1024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft > USUAL_OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_OPEN_FILES, hard))


def become(argv: Sequence[str], keep: Sequence[int]) -> NoReturn:
    """Replace this process by another program, with `keep` left open; raises Absent or Denied when that fails."""
    for descriptor in keep:
        os.set_inheritable(descriptor, True)
    try:
        os.execv(argv[0], list(argv))
    except OSError as error:
        raise told(error, argv[0]) from error


def adopt_orphans() -> None:
    """Make this process the parent of every orphan among its descendants (PR_SET_CHILD_SUBREAPER, prctl(2))."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(*spared: int) -> None:
    """Take away the zombies of adopted orphans, but not those `spared`: children whose end somebody waits for.

    When one of these has ended, those behind it wait for the next call: waitid(2) always shows the same one.
    """
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in spared:
            return
        os.waitpid(found.si_pid, os.WNOHANG)
