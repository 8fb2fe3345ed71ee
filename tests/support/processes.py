"""Real processes for tests: the command line itself, sleepers, and patience with a bound."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.scratch import ScratchCgroup

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
PYTHON = (sys.executable, "-I", "-S", "-c")
_MAIN = f"import sys; sys.path.insert(0, {SOURCE!r}); from forestall.ui.cli.main import main; sys.exit(main())"


def forestall(*words: str | Path) -> list[str]:
    """The command line `forestall WORDS`, run by this interpreter from this tree."""
    return [sys.executable, "-I", "-c", _MAIN, *map(str, words)]


def wait_until(question: Callable[[], object], seconds: float = 10.0) -> None:
    """Ask until the answer is yes; fails when it is not within `seconds`."""
    until = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < until, "it did not come to pass in time"
        time.sleep(0.01)


def state(pid: int) -> str:
    """The state letter of a process, "" when it is gone (proc_pid_stat(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    return state(pid) in ("", "Z", "X")


def mentioning(text: str) -> list[int]:
    """Pids of the living processes with `text` in their command line."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                words = Path(f"/proc/{entry}/cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if text.encode() in words and not gone(int(entry)):
                found.append(int(entry))
    return found


def descendants(pid: int) -> list[int]:
    """Pids of the living descendants of a process."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        words = stat.rpartition(")")[2].split()
        if words[0] not in "ZX":
            parents.setdefault(int(words[1]), []).append(int(entry))
    waiting, found = [pid], []
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


@contextmanager
def started(argv: list[str], **settings: object) -> Iterator[subprocess.Popen[str]]:
    """A program with its output in pipes; killed with all its descendants when the test leaves the block."""
    options: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **settings}
    process: subprocess.Popen[str] = subprocess.Popen(argv, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        for pid in (*descendants(process.pid), process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


KEPT = ("/proc/", "/sys/", "/dev/kmsg")


@contextmanager
def descriptors_given_back() -> Iterator[None]:
    """Closes what was opened meanwhile and is kept for the life of a process.

    Kernel files that collectors keep close themselves when they are forgotten: those are left to them.
    """
    before = set(os.listdir("/proc/self/fd"))
    yield
    for name in set(os.listdir("/proc/self/fd")) - before:
        with suppress(OSError):
            if not os.readlink(f"/proc/self/fd/{name}").startswith(KEPT):
                os.close(int(name))


def into(group: ScratchCgroup, argv: list[str]) -> list[str]:
    """The command line of a program that begins its life in the group."""
    return ["sh", "-c", f'echo $$ >{group.directory}/cgroup.procs; exec "$@"', "sh", *argv]


def python(code: str, *words: str) -> list[str]:
    """The command line of a few lines of Python."""
    return [*PYTHON, code, *words]


IGNORES_TERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
HEEDS_TERM = "import time; print('up', flush=True); time.sleep(60)"


def read_lines(process: subprocess.Popen[str], until: str) -> list[str]:
    """Lines of a program's standard output up to and with the first that holds `until`."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if until in line:
            return lines
    raise AssertionError(f"{until!r} never came, but {lines}")


def become_nobody() -> None:
    """Give up root in a child that is about to exec: the user who owns nothing."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


NOBODY = 65534
