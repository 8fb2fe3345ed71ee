"""`run` on the real kernel: what is passed on, what is stopped, and that nothing is left, whoever dies."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.programs import command
from tests.support.processes import (
    HEEDS_TERM,
    become_nobody,
    descendants,
    gone,
    mentioning,
    python,
    read_lines,
    started,
    wait_until,
)
from tests.support.runs import carry_out, nothing_left, record, report, run_cgroups, run_words

pytestmark = pytest.mark.live


class Place:
    """A state directory and a word that marks the command's processes."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.mark = f"mark-{secrets.token_hex(8)}"

    def clean(self) -> None:
        """Nothing of the run is left."""
        nothing_left(self.state, self.mark)


@pytest.fixture
def place(live: str, tmp_path: Path) -> Iterator[Place]:
    """A place for one run; whatever the test did, nothing is left after it."""
    one = Place(tmp_path / "state")
    yield one
    one.clean()


def test_exit_code_and_streams_are_passed_on(place: Place) -> None:
    """Standard input, output and error are the command's own, and so is the exit code."""
    done = carry_out(place.state, "--", "sh", "-c", "cat; echo err >&2; exit 42", input="through\n")
    assert (done.returncode, done.stdout) == (42, "through\n")
    assert done.stderr.startswith("err\n")
    assert "exit code 42" in done.stderr


def test_a_command_killed_by_a_signal_is_told_as_a_shell_would(place: Place) -> None:
    """128 + the signal."""
    assert carry_out(place.state, "--", "sh", "-c", "kill -SEGV $$").returncode == 128 + signal.SIGSEGV


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_sent_to_us_reaches_the_command_once(place: Place, number: int) -> None:
    """What `kill` sends to the run arrives at the command, one time, and the command's own answer is the exit code."""
    code = (
        "import signal, sys, time\ncame = []\n"
        f"signal.signal({int(number)}, lambda *_: came.append(1))\n"
        "print('up', flush=True)\nends = time.monotonic() + 10\n"
        "while not came and time.monotonic() < ends:\n    time.sleep(0.01)\n"
        "time.sleep(0.2)\nsys.exit(10 + len(came))"
    )
    with started(run_words(place.state, "--", *python(code, place.mark))) as run:
        read_lines(run, "up")
        run.send_signal(number)
        assert run.wait(10) == 11


def test_the_command_lives_in_a_cgroup_with_the_limit(place: Place) -> None:
    """Limit and swap stand in the kernel before the command starts, and its children are in it too."""
    script = "sh -c 'cat /proc/self/cgroup' | grep memory; echo up; exec sleep 20"
    with started(run_words(place.state, "--swap", "0", "--", "sh", "-c", script, place.mark)) as run:
        path = read_lines(run, "memory")[-1].strip().rpartition(":")[2]
        (group,) = run_cgroups(place.state)
        assert path == f"/{group.name}"
        assert (group / "memory.limit_in_bytes").read_text(encoding="ascii") == f"{64 * 2**20}\n"
        swap = group / "memory.memsw.limit_in_bytes"
        assert not swap.exists() or swap.read_text(encoding="ascii") == f"{64 * 2**20}\n"
        run.terminate()
        assert run.wait(10) == 128 + signal.SIGTERM


def test_a_leak_is_stopped_before_the_kernel_acts(place: Place) -> None:
    """A fast leak ends by our hand: no kernel kill, a capture, a reason; the report says it all."""
    done = carry_out(
        place.state, "--json", "--swap", "0", "--grace", "3s", "--", *command("leak", 40.0, 0.1), memory="128M"
    )
    told = report(done)
    assert told["kernel_kills"] == 0
    assert told["enforced"]
    assert len(told["stops"]) == 1
    assert told["captures"] >= 1
    # On a busy machine the last looks may show so fast a growth that KILL follows TERM at once.
    assert told["exit_code"] == done.returncode
    assert done.returncode in (0, 128 + signal.SIGTERM, 128 + signal.SIGKILL)
    assert 0.5 * 128 * 2**20 < told["peak_bytes"] <= 128 * 2**20
    assert list(Path(told["state_directory"]).glob("*.db"))


def test_it_is_started_again_as_often_as_was_asked(place: Place) -> None:
    """--restart=2 gives a leaking command three lives, each stopped, and then leaves it ended."""
    words = ("--json", "--swap", "0", "--restart=2", "--grace", "2s", "--", *command("leak", 80.0, 0.0))
    told = report(carry_out(place.state, *words))
    assert (told["restarts"], len(told["stops"]), told["kernel_kills"]) == (2, 3, 0)


def test_a_command_that_ends_by_itself_is_not_started_again(place: Place) -> None:
    """Only a stop of ours or a kernel kill is a reason to start again."""
    told = report(carry_out(place.state, "--json", "--restart", "--", "false"))
    assert (told["restarts"], told["exit_code"]) == (0, 1)


def test_a_dry_run_touches_nothing(place: Place) -> None:
    """What would be done is said, and the command runs on to its own end."""
    code = "x = b'x' * (61 << 20)\nimport time; time.sleep(1.5); print('untouched', flush=True)"
    done = carry_out(place.state, "--dry-run", "--swap", "0", "--", *python(code, place.mark))
    assert (done.returncode, done.stdout) == (0, "untouched\n")
    assert "dry run: would terminate" in done.stderr
    assert "stopped by forestall" not in done.stderr


def test_what_the_command_leaves_running_is_ended(place: Place) -> None:
    """Background children, deaf to TERM or in a session of their own, end with the command."""
    deaf = "trap '' TERM HUP; while :; do sleep 0.2; done"
    script = f'setsid sh -c "{deaf}" {place.mark} & sh -c "{deaf}" {place.mark} & sleep 0.2; exit 5'
    assert carry_out(place.state, "--", "sh", "-c", script).returncode == 5
    place.clean()


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("no-such-program",), 5, "no-such-program: no such program"),
        (("/etc/passwd",), 4, "/etc/passwd"),
        (("/",), 4, "/"),
    ],
)
def test_what_cannot_be_started_is_told_in_one_line(place: Place, argv: tuple[str, ...], code: int, words: str) -> None:
    """A command that is missing or not executable: one clear line, an exit code, nothing left."""
    done = carry_out(place.state, "--", *argv)
    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_the_guard_ends_what_a_killed_owner_leaves(place: Place) -> None:
    """kill -9 of the owner: the command gets TERM and its grace, then nothing is left of it."""
    code = (
        "import signal, sys, time\n"
        "def leave(*_):\n    time.sleep(0.5); open(sys.argv[2], 'w').close(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    heeded = place.state.parent / "heeded"
    with started(run_words(place.state, "--", *python(code, place.mark, str(heeded)))) as run:
        read_lines(run, "up")
        os.kill(run.pid, signal.SIGKILL)
        place.clean()
    assert heeded.exists()


def test_a_killed_guard_is_replaced_and_the_run_stays_guarded(place: Place) -> None:
    """kill -9 of the guard: the owner starts another, which stops the leak that begins only then."""
    code = (
        "import pathlib, sys, time\nprint('up', flush=True)\n"
        "while not pathlib.Path(sys.argv[2]).exists():\n    time.sleep(0.02)\n"
        "kept = []\nwhile True:\n    kept.append(b'x' * (1 << 20)); time.sleep(0.04)"
    )
    go = place.state.parent / "go"
    words = run_words(place.state, "--json", "--swap", "0", "--grace", "1s", "--", *python(code, place.mark, str(go)))
    with started(words) as run:
        read_lines(run, "up")
        first = record(place.state)["guard_pid"]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: record(place.state)["guard_pid"] != first)
        time.sleep(0.3)
        go.touch()
        assert run.wait(20) == 128 + signal.SIGTERM
        assert run.stderr is not None
        said = run.stderr.read()
    assert '"kernel_kills": 0' in said
    assert "stopped with SIGTERM" in said


def test_a_guard_that_dies_while_its_owner_is_stopped_is_replaced(place: Place) -> None:
    """Its story is full of words when the owner comes to; the owner neither fails nor leaves anything."""
    with started(run_words(place.state, "--", *python(HEEDS_TERM, place.mark))) as run:
        read_lines(run, "up")
        first = record(place.state)["guard_pid"]
        os.kill(run.pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: gone(first))
        os.kill(run.pid, signal.SIGCONT)
        wait_until(lambda: record(place.state)["guard_pid"] != first)
        run.terminate()
        assert run.wait(10) == 128 + signal.SIGTERM
        assert run.stderr is not None
        assert "Traceback" not in run.stderr.read()


def test_who_listens_may_leave(place: Place) -> None:
    """With the reader of stderr gone, a command that is stopped is started again as ever, and its end passed on."""
    reading, writing = os.pipe()
    flag = place.state.parent / "once"
    leak = "kept = []\nimport time\nwhile True:\n    kept.append(b'x' * (1 << 20)); time.sleep(0.02)"
    script = 'if [ -e "$0" ]; then exit 6; fi; : >"$0"; exec "$@"'
    argv = ("sh", "-c", script, str(flag), *python(leak, place.mark))
    words = ("--restart", "--swap", "0", "--grace", "1s", "--", *argv)
    with started(run_words(place.state, *words), stderr=writing) as run:
        os.close(writing)
        os.close(reading)
        assert run.wait(20) == 6


def test_a_command_that_fails_at_once_is_given_rests(place: Place) -> None:
    """Restarts become rarer, the longer rests are told, and SIGTERM ends one of them at once."""
    code = "kept = b'x' * (60 << 20)"
    with started(
        run_words(place.state, "--restart", "--swap", "0", "--", *python(code, place.mark), memory="8M")
    ) as run:
        assert run.stderr is not None
        said = ""
        while "starting it again in 1." not in said:
            said += run.stderr.readline()
        assert 4 <= said.count("started again") <= 5
        began = time.monotonic()
        run.terminate()
        run.wait(10)
        assert time.monotonic() - began < 1.0


def test_what_both_leave_is_ended_by_the_next_run(place: Place) -> None:
    """kill -9 of owner and guard: the command and its cgroup are ended by the next run, which itself is fine."""
    with started(run_words(place.state, "--", *python(HEEDS_TERM, place.mark))) as run:
        read_lines(run, "up")
        guard = record(place.state)["guard_pid"]
        (command_pid,) = [pid for pid in mentioning(place.mark) if pid not in (run.pid, guard)]
        os.kill(guard, signal.SIGSTOP)
        os.kill(run.pid, signal.SIGKILL)
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda: gone(guard))
        assert not gone(command_pid)
        assert carry_out(place.state, "--", "echo", "next").stdout == "next\n"
        assert gone(command_pid)
        place.clean()


def test_two_at_once_do_not_disturb_each_other(place: Place) -> None:
    """Two runs with the same directories each have their own cgroup, guard and end."""
    words = ("--json", "--swap", "0", "--grace", "2s", "--", *command("leak", 60.0, 0.0))
    with started(run_words(place.state, *words)) as one, started(run_words(place.state, *words)) as two:
        ends = [run.communicate(timeout=30)[1] for run in (one, two)]
    assert all('"kernel_kills": 0' in end and "SIGTERM" in end for end in ends), ends


def test_a_run_within_a_run(place: Place) -> None:
    """A guarded command may itself use forestall; both pass the exit code on and leave nothing."""
    inner = run_words(place.state, "--", "sh", "-c", "echo inner; exit 9", memory="32M")
    done = carry_out(place.state, "--", *inner, memory="128M")
    assert (done.returncode, done.stdout) == (9, "inner\n")
    assert done.stderr.count("exit code 9") == 2


def test_a_run_whose_inner_owner_is_stopped_leaves_nothing(place: Place) -> None:
    """Ending the outer run ends the inner one with what it started."""
    inner = run_words(place.state, "--", *python(HEEDS_TERM, place.mark), memory="32M")
    with started(run_words(place.state, "--", *inner, memory="128M")) as run:
        read_lines(run, "up")
        run.terminate()
        assert run.wait(15) == 128 + signal.SIGTERM
        place.clean()


@pytest.mark.parametrize("memory", ["4M", "1048576T"])
def test_sizes_at_the_edge(place: Place, memory: str) -> None:
    """The least and the greatest limit that are accepted do no harm to a small command."""
    done = carry_out(place.state, "--", "true", memory=memory)
    assert done.returncode in (0, 137), done.stderr


@pytest.mark.usefixtures("live")
class TestNobody:
    """Without root and delegation: the process tree is watched, and the kernel enforces nothing."""

    @pytest.fixture
    def home(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A home directory of nobody's own, reachable for it."""
        home = tmp_path_factory.mktemp("nobody")
        for directory in (home, *home.parents):
            if str(directory) in ("/", "/tmp"):
                break
            os.chmod(directory, 0o755)
        os.chown(home, 65534, 65534)
        return home

    def argv(self, *words: str) -> list[str]:
        """A run by nobody with a Python that it may execute."""
        main = run_words(Path("x"), *words)
        kept = main[: main.index("--state-dir")] + main[main.index("--state-dir") + 2 :]
        return ["/usr/bin/python3", *kept[1:]]

    def test_a_leak_is_stopped_at_the_limit(self, home: Path) -> None:
        """The sum over the tree counts, the stop comes in time, and the report says that we stood alone."""
        if not _usable_by_nobody("/usr/bin/python3"):
            pytest.skip("needs a python3 and a source tree that nobody may read")
        code = "kept = []\nimport time\nwhile True:\n    kept.append(b'x' * (1 << 20)); time.sleep(0.025)"
        leaks = f'/usr/bin/python3 -I -S -c "{code}" & /usr/bin/python3 -I -S -c "{code}"; wait'
        done = subprocess.run(
            self.argv("--json", "--grace", "2s", "--", "sh", "-c", leaks),
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
            preexec_fn=become_nobody,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            cwd="/",
        )
        told = report(done)
        assert not told["enforced"]
        assert told["why_not_enforced"]
        assert len(told["stops"]) == 1
        assert told["peak_bytes"] < 80 * 2**20
        assert list(home.glob(".local/state/forestall/run/run/*")) == []

    def test_the_last_line_says_that_the_kernel_enforces_nothing(self, home: Path) -> None:
        """A person reads it, and background children are ended all the same."""
        if not _usable_by_nobody("/usr/bin/python3"):
            pytest.skip("needs a python3 and a source tree that nobody may read")
        mark = f"mark-{secrets.token_hex(8)}"
        done = subprocess.run(
            self.argv("--", "sh", "-c", f"setsid sh -c 'while :; do sleep 0.2; done' {mark} & exit 3"),
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
            preexec_fn=become_nobody,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            cwd="/",
        )
        assert done.returncode == 3
        assert "the kernel enforced nothing" in done.stderr
        wait_until(lambda: not mentioning(mark), 3.0)

    def test_a_killed_owner_leaves_nothing(self, home: Path) -> None:
        """kill -9 of the owner: the guard knows whom it watched, and ends them."""
        if not _usable_by_nobody("/usr/bin/python3"):
            pytest.skip("needs a python3 and a source tree that nobody may read")
        mark = f"mark-{secrets.token_hex(8)}"
        words = self.argv("--", "/usr/bin/python3", "-I", "-S", "-c", HEEDS_TERM, mark)
        settings = {"env": {"HOME": str(home), "PATH": "/usr/bin:/bin"}, "preexec_fn": become_nobody, "cwd": "/"}
        with started(words, **settings) as run:
            read_lines(run, "up")
            time.sleep(1.0)
            assert len(descendants(run.pid)) >= 2
            os.kill(run.pid, signal.SIGKILL)
            wait_until(lambda: not mentioning(mark), 8.0)


def _usable_by_nobody(program: str) -> bool:
    """Whether nobody may run this Python with this source tree."""
    with started([program, "-I", "-S", "-c", _TRY], preexec_fn=become_nobody, cwd="/") as process:
        return process.wait() == 0


_TRY = f"import sys; sys.path.insert(0, {str(Path('src').resolve())!r}); import forestall"
