"""`forestall run` as people type it: mistakes in one line, the last line, and Ctrl-C on a real terminal."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path

import pytest

from forestall.model.errors import Misuse
from forestall.operations.run import Report
from forestall.ui.cli import main
from forestall.ui.cli.run import MEMORY_BYTES_MIN, summary
from tests.support.processes import python
from tests.support.runs import carry_out, nothing_left, run_words
from tests.support.terminals import on_terminal

MIB = 2**20
REPORT = Report(0, True, "", 512 * MIB, 100 * MIB, 0, 0, 0, (), 0, None, "/state/run/1")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--memory", "512M"], "no command is given"),
        (["--memory", "512M", "--"], "no command is given"),
        (["--", "true"], "--memory"),
        (["--memory", "lots", "--", "true"], "size"),
        (["--memory", "0", "--", "true"], "below 4 MiB"),
        (["--memory", "-5M", "--", "true"], "--memory"),
        (["--memory", str(MEMORY_BYTES_MIN - 1), "--", "true"], "below 4 MiB"),
        (["--memory", "9" * 60, "--", "true"], "size"),
        (["--memory", "2000000000T", "--", "true"], "more than 1 EiB"),
        (["--memory", "512M", "--swap", "x", "--", "true"], "size"),
        (["--memory", "512M", "--grace", "soon", "--", "true"], "duration"),
        (["--memory", "512M", "--restart=-1", "--", "true"], "is not a number of times"),
        (["--memory", "512M", "--restart=many", "--", "true"], "is not a number of times"),
        (["--memory", "512M", "--restart=²", "--", "true"], "is not a number of times"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    words: list[str], what: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What cannot be meant is refused before anything is made, with what to write instead."""
    assert main.main(["run", "--state-dir", str(tmp_path / "s"), *words]) == 2
    said = capsys.readouterr().err
    assert what in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "app: peak 100 MiB of 512 MiB (20%); 0 near misses; no kernel kill; exit code 0"),
        ({"near_misses": 1, "kernel_kills": 2}, "1 near miss; killed by the kernel 2x"),
        ({"peak_bytes": None}, "peak unknown"),
        ({"enforced": False, "why_not_enforced": "not root"}, "the kernel enforced nothing (not root)"),
        ({"stops": ("a", "b", "c", "d")}, "stopped by forestall: b; stopped by forestall: c; stopped by forestall: d"),
        ({"restarts": 3}, "started again 3x"),
        ({"captures": 2}, "2 captures in /state/run/1"),
        ({"exit_code": 143}, "exit code 143"),
    ],
)
def test_the_last_line_says_what_happened(changes: dict[str, object], words: str) -> None:
    """Peak, near misses, kills, stops with their reasons, restarts, where the evidence is."""
    assert words in summary("/usr/bin/app", REPORT._replace(**changes))  # type: ignore[arg-type]


def test_an_option_of_the_commands_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything after the command's name belongs to the command."""
    from forestall.ui.cli.run import _wanted

    parser = main.parser_of(main._command("run"))
    wanted = _wanted(parser.parse_args(["--memory", "1G", "app", "--memory", "x", "--", "--json"]))
    assert wanted.argv == ("app", "--memory", "x", "--", "--json")
    assert wanted.restarts_max == 0
    assert _wanted(parser.parse_args(["--memory", "1G", "--restart", "--", "app"])).restarts_max is None
    assert _wanted(parser.parse_args(["--memory", "1G", "--restart=3", "--", "app"])).restarts_max == 3
    with pytest.raises(Misuse):
        _wanted(parser.parse_args(["--memory", "1G", "--"]))


@pytest.mark.live
def test_json_is_one_object_on_stderr_and_stdout_is_the_commands(live: str, tmp_path: Path) -> None:
    """With --json the report is an object with a version; it never mixes with the command's output."""
    done = carry_out(tmp_path, "--json", "--", "echo", "mine")
    assert done.stdout == "mine\n"
    told = json.loads(done.stderr)
    assert (told["version"], told["exit_code"], told["kernel_kills"]) == (1, 0, 0)


@pytest.mark.live
def test_ctrl_c_on_a_terminal_reaches_the_command_once(live: str, tmp_path: Path) -> None:
    """The terminal signals the whole foreground group; we do not send the same signal a second time."""
    code = (
        "import signal, sys, time\ncame = []\n"
        "signal.signal(signal.SIGINT, lambda *_: came.append(1))\n"
        "print('up', flush=True)\nends = time.monotonic() + 10\n"
        "while not came and time.monotonic() < ends:\n    time.sleep(0.01)\n"
        "time.sleep(0.3)\nprint(f'came {len(came)}x', flush=True)\nsys.exit(7)"
    )
    with on_terminal(run_words(tmp_path, "--restart", "--", *python(code, "mark-of-ctrl-c"))) as terminal:
        terminal.until("up")
        terminal.press(b"\x03")
        assert terminal.wait() == 7
        assert "came 1x" in terminal.shown
        assert "started again" not in terminal.shown
    nothing_left(tmp_path, "mark-of-ctrl-c")


@pytest.mark.live
def test_the_command_has_the_terminal(live: str, tmp_path: Path) -> None:
    """The command may read from and draw on the terminal as if it had been started without us."""
    script = 'test -t 0 && test -t 1 && test -t 2 && echo ready && read line && echo "got $line" && stty size'
    with on_terminal(run_words(tmp_path, "--", "sh", "-c", script)) as terminal:
        terminal.until("ready")
        terminal.press(b"typed\r")
        terminal.until("got typed")
        assert terminal.wait() == 0
        assert "30 100" in terminal.shown


@pytest.mark.live
@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_streams_are_the_commands_own_affair(live: str, tmp_path: Path, closed: tuple[int, ...]) -> None:
    """The command finds no file of ours on its standard descriptors, and its exit code is passed on."""
    script = 'for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done >"$0"; exit 9'

    def close() -> None:
        for fd in closed:
            os.close(fd)

    done = subprocess.run(
        run_words(tmp_path / "s", "--", "sh", "-c", script, str(tmp_path / "seen")),
        preexec_fn=close,
        capture_output=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 9
    seen = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
    assert all(seen[fd] == "/dev/null" for fd in closed if fd != 1)  # 1 is redirected while the shell looks
    assert not [link for link in seen if f"{tmp_path}/s/" in link]


@pytest.mark.live
def test_no_room_for_the_guards_mission_is_one_line(live: str, tmp_path: Path) -> None:
    """RLIMIT_FSIZE of a few bytes: told in one line, and nothing is left behind."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # noqa: E731
    words = run_words(tmp_path, "--", "true")
    words.insert(1, "-B")  # Python would leave half-written bytecode in the tree, for every later test to stumble over
    done = subprocess.run(words, preexec_fn=limit, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (5, "forestall: the guard's mission: File too large\n")
    nothing_left(tmp_path, "no such mark")
