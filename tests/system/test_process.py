"""Real processes: held, signalled, started clean, and never mistaken for another."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from forestall.model.errors import Absent, Denied, Malformed
from forestall.system import process
from forestall.system.process import Held, Launch, launch
from tests.support.limits import open_files
from tests.support.processes import SOURCE, gone, wait_until
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody
from tests.support.worker import in_child

PID_REUSE = Path(__file__).resolve().parents[1] / "support" / "pid_reuse.py"


CAP_SYS_RESOURCE = 24
"""linux/capability.h."""


def capable(number: int) -> bool:
    """Whether this process has a capability."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return bool(int(next(line.split()[1] for line in lines if line.startswith("CapEff:")), 16) >> number & 1)


def ended(pid: int, seconds: float = 10.0) -> int:
    """Wait for a child; its exit code as a shell would show it."""
    until = time.monotonic() + seconds
    while (status := process.reap(pid)) is None:
        assert time.monotonic() < until, "the child does not end"
        time.sleep(0.005)
    return process.exit_code(status)


def output(wanted: Launch, tmp_path: Path) -> str:
    """What a launched program writes."""
    path = tmp_path / "output"
    with path.open("wb") as file:
        assert ended(launch(wanted._replace(output=file.fileno()))) == 0
    return path.read_text()


@pytest.mark.live
def test_a_pid_that_is_reused_is_never_hit(live: str) -> None:
    """With the pid given out again in a PID namespace, a signal is refused, and a sweep sees another process."""
    argv = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-I", str(PID_REUSE), SOURCE]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_a_held_process_is_signalled_and_seen_ending() -> None:
    """The signal arrives, a zombie is not alive, and a signal after the end is Absent."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        held = Held(sleeper.pid)
        assert held.alive()
        held.signal(signal.SIGTERM)
        wait_until(lambda: not held.alive())
        assert sleeper.wait(5) == -signal.SIGTERM
    with pytest.raises(Absent):
        held.signal(signal.SIGTERM)
    held.close()
    held.close()
    with pytest.raises(Absent):
        Held(sleeper.pid)


@pytest.mark.live
def test_a_signal_that_is_refused_names_the_capability(live: str) -> None:
    """Nobody may not signal root's process."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:

        def attempt() -> None:
            held = Held(sleeper.pid)
            with pytest.raises(Denied, match="CAP_KILL"):
                held.signal(signal.SIGTERM)

        as_nobody(attempt)
        assert sleeper.poll() is None
        sleeper.kill()


def test_a_program_starts_clean(tmp_path: Path) -> None:
    """Ignored signals, blocked signals and a worse nice value are not inherited."""
    script = "grep -E '^Sig(Blk|Ign)' /proc/self/status; cat /proc/self/oom_score_adj; nice"

    def work() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        os.setpriority(os.PRIO_PROCESS, 0, 5)
        lines = output(Launch(("/bin/sh", "-c", script)), tmp_path).split("\n")
        assert lines[:4] == ["SigBlk:\t" + "0" * 16, "SigIgn:\t" + "0" * 16, "0", "0"]

    in_child(work)


def test_a_program_that_is_not_there_is_absent() -> None:
    """What could not be started is said by name, and no child is left."""
    with pytest.raises(Absent, match="no-such-program"):
        launch(Launch(("no-such-program",)))
    with pytest.raises(Denied, match="/dev/null"):
        launch(Launch(("/dev/null",)))
    with pytest.raises(Absent, match=r"start of true \(cgroup\)"):
        launch(Launch(("true",), join=("/sys/fs/cgroup/memory/none/cgroup.procs",)))


@pytest.mark.live
def test_a_program_is_in_its_cgroup_from_the_beginning(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Its first instruction already runs there, in a group and session of its own where asked."""
    group = scratch_cgroup()
    pid = launch(Launch(("sleep", "60"), join=(str(group.directory / "cgroup.procs"),), own_session=True))
    assert group.pids() == [pid]
    assert (os.getsid(pid), os.getpgid(pid)) == (pid, pid)
    process.signal_group(pid, signal.SIGKILL)
    assert ended(pid) == 128 + signal.SIGKILL
    process.signal_group(pid, signal.SIGKILL)


def test_environment_group_and_kept_descriptors_are_as_asked(tmp_path: Path) -> None:
    """The environment is the given one, the group its own, and a kept descriptor is open in the program."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    script = f"echo $NAME; echo kept >/proc/self/fd/{writing}"
    wanted = Launch(("/bin/sh", "-c", script), {"NAME": "a b"}, own_group=True, keep=(writing,))
    assert output(wanted, tmp_path) == "a b\n"
    assert os.read(reading, 16) == b"kept\n"
    os.close(reading)
    os.close(writing)


def test_exit_codes_are_those_of_a_shell() -> None:
    """An exit code stays, a signal is 128 and its number, and a stranger's pid is Absent."""
    assert ended(launch(Launch(("/bin/sh", "-c", "exit 7")))) == 7
    assert ended(launch(Launch(("/bin/sh", "-c", "kill -TERM $$")))) == 128 + signal.SIGTERM
    with pytest.raises(Absent):
        process.reap(1)


def test_programs_and_argv_are_checked() -> None:
    """A known program has a path, an unknown one is Absent; an empty command or one with a NUL is Malformed."""
    assert process.require_program("sh").endswith("/sh")
    with pytest.raises(Absent):
        process.require_program("no-such-program")
    assert process.check_argv(["a", ""]) == ("a", "")
    for wrong in ([], [""], ["a", "b\0c"]):
        with pytest.raises(Malformed):
            process.check_argv(wrong)


def test_a_process_becomes_another_program() -> None:
    """The same process goes on as the other program; one that cannot be started is said."""

    def work() -> None:
        with pytest.raises(Absent):
            process.become(["/no/such/program"], ())
        process.become(["/bin/sh", "-c", f"test $$ = {os.getpid()}"], ())

    in_child(work)


@pytest.mark.live
def test_the_guard_favours_itself_and_not_its_children(live: str, tmp_path: Path) -> None:
    """We run before others, what we start does not; a right that is missing is named, the rest is taken."""
    may_lower_score = capable(CAP_SYS_RESOURCE)

    def work() -> None:
        with nullcontext() if may_lower_score else pytest.raises(Denied, match="needs CAP_SYS_RESOURCE"):
            process.favour_ourselves()
        assert os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
        wanted = process.OWN_OOM_SCORE_ADJ if may_lower_score else 0
        assert int(Path("/proc/self/oom_score_adj").read_text()) == wanted
        script = "nice; cat /proc/self/oom_score_adj"
        assert output(Launch(("/bin/sh", "-c", script)), tmp_path).split()[:2] == ["0", "0"]
        assert output(Launch((sys.executable, "-c", "import os; print(os.sched_getscheduler(0))")), tmp_path) == "0\n"

    def refused() -> None:
        with pytest.raises(Denied, match="CAP_SYS_NICE and CAP_SYS_RESOURCE"):
            process.favour_ourselves()

    in_child(work)
    as_nobody(refused)


def test_orphans_are_adopted_and_taken_away() -> None:
    """A grandchild whose parent ended becomes ours, and its zombie goes; the child waited for is left to its waiter."""

    def work() -> None:
        process.adopt_orphans()
        child = launch(Launch(("/bin/sh", "-c", "sleep 0.05 & echo $! >&2; exit 3"), output=os.open("/dev/null", 1)))
        wait_until(lambda: gone(child))
        process.reap_orphans(child)
        assert ended(child) == 3
        wait_until(lambda: os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None)
        process.reap_orphans(child)
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    in_child(work)


def test_every_child_that_somebody_waits_for_is_spared() -> None:
    """Of several named children none is taken away, in whatever order they ended."""

    def work() -> None:
        children = [launch(Launch(("/bin/sh", "-c", f"exit {code}"))) for code in (3, 4)]
        wait_until(lambda: all(gone(child) for child in children))
        process.reap_orphans(*children)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [3, 4]

    in_child(work)


def test_more_files_may_be_open_up_to_the_hard_limit() -> None:
    """The soft limit rises to what is asked or to the hard limit, and never falls."""

    def work() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        process.allow_open_files(512)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, hard)
        process.allow_open_files(64)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024))
        process.allow_open_files(10**9)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1024, 1024)

    in_child(work)


def test_without_descriptors_a_start_is_an_error_of_ours() -> None:
    """No pipe to the child can be made: it is told, nothing is started."""
    with open_files(3), pytest.raises(Malformed, match="pipe"):
        launch(Launch(("true",)))
