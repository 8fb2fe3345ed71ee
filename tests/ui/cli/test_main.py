"""The command line as a person meets it: help, mistakes, exit codes, and quick to start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

from forestall import __version__
from forestall.model.errors import Absent, Denied, ForestallError, Malformed, Misuse
from forestall.ui.cli import main

PRESENT = [name for name, _ in main.COMMANDS if find_spec(f"forestall.ui.cli.{name}")]


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A real `python3 -m forestall WORDS`."""
    environment = {**os.environ, "PYTHONPATH": "src"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "forestall", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        input=stdin,
    )


def raising(error: BaseException) -> ModuleType:
    """A command that ends with that error."""
    module = ModuleType("failing")

    def fail(_: object) -> int:
        raise error

    module.__dict__.update(NAME="failing", HELP="fails", arguments=lambda _: None, run=fail)
    return module


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_the_overview_names_every_command(words: tuple[str, ...]) -> None:
    """With nothing or --help: the commands, examples and exit codes on stdout."""
    shown = run(*words)
    assert shown.returncode == 0
    assert all(f"\n  {name} " in shown.stdout for name, _ in main.COMMANDS)
    assert "exit codes: 0 ok" in shown.stdout
    assert "\n  up " not in shown.stdout


def test_the_version_is_told() -> None:
    """--version is one line."""
    assert run("--version").stdout == f"forestall {__version__}\n"


def test_help_loads_no_command() -> None:
    """Start-up counts: the overview imports neither argparse nor any command."""
    code = "import sys; from forestall.ui.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": "src"}
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    loaded = set(shown.stderr.split())
    assert "forestall.ui.cli.main" in loaded
    assert loaded.isdisjoint({"argparse", "json", "sqlite3", *(f"forestall.ui.cli.{name}" for name in PRESENT)})


@pytest.mark.parametrize("name", PRESENT)
def test_the_overview_says_what_the_commands_say(name: str) -> None:
    """The static list of names and help lines is equal to the commands' own."""
    command = import_module(f"forestall.ui.cli.{name}")
    assert (name, command.HELP) in main.COMMANDS
    assert name == command.NAME


@pytest.mark.parametrize("name", PRESENT)
def test_every_command_teaches(name: str) -> None:
    """Each command's --help has examples and the options that all commands share."""
    words = main.parser_of(import_module(f"forestall.ui.cli.{name}")).format_help()
    assert f"forestall {name}" in words
    assert "examples:" in words
    assert "--json" in words
    assert "--state-dir DIR" in words


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    """`stauts` is a usage error of one line that knows what was meant."""
    shown = run("stauts")
    assert shown.returncode == 2
    assert shown.stderr == "forestall: command 'stauts': is not known (hint: did you mean: forestall status)\n"


def test_an_unknown_option_is_a_usage_error_of_one_line() -> None:
    """argparse's complaint comes in our form, with the way to the help; options are never abbreviated."""
    shown = run("status", "--wat")
    assert shown.returncode == 2
    assert shown.stderr == (
        "forestall: forestall status: unrecognized arguments: --wat (hint: forestall status --help)\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Misuse("limit 5", "is too small", "at least 1M"), 2, "forestall: limit 5: is too small (hint: at least 1M)"),
        (Misuse("config", "has mistakes", exit_code=3), 3, "forestall: config: has mistakes"),
        (Malformed("forestall.toml", "line 3"), 3, "forestall: forestall.toml: line 3"),
        (Malformed("memory.stat", "no number"), 5, "forestall: memory.stat: no number"),
        (Denied("kill 1", "CAP_KILL"), 4, "forestall: kill 1: permission denied (hint: needs CAP_KILL)"),
        (Absent("no agent", "start one"), 5, "forestall: no agent (hint: start one)"),
        (Absent("no agent"), 5, "forestall: no agent"),
    ],
)
def test_each_failure_has_its_exit_code_and_line(
    error: ForestallError, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What failed, why and what to do stand on one line of stderr."""
    monkeypatch.setattr(main, "_command", lambda _: raising(error))
    assert main.main(["failing"]) == code
    assert capsys.readouterr().err == f"{words}\n"


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupt ends with 130, as a shell expects, and without a traceback."""
    monkeypatch.setattr(main, "_command", lambda _: raising(KeyboardInterrupt()))
    assert main.main(["failing"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_leaves_is_no_failure() -> None:
    """`forestall --help | head -0` leaves no traceback on stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    shown = subprocess.run(
        [sys.executable, "-m", "forestall", "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    os.close(writer)
    assert shown.returncode == 141
    assert shown.stderr == ""


def test_help_of_a_command_by_either_order() -> None:
    """`forestall help status` is `forestall status --help`."""
    assert run("help", "status").stdout == run("status", "--help").stdout


def closing(*words: str, closed: tuple[int, ...], **settings: Any) -> subprocess.CompletedProcess[str]:
    """A real command line that is started with some standard descriptors closed."""

    def close() -> None:
        for fd in closed:
            os.close(fd)

    return subprocess.run(
        [sys.executable, "-m", "forestall", *words],
        preexec_fn=close,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": "src"},
        **settings,
    )


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("--help",), ("--version",)])
def test_output_that_nobody_takes_is_one_line_and_unavailable(words: tuple[str, ...]) -> None:
    """A full disk behind stdout, or no stdout at all: exit code 5 and the kernel's word for it, no traceback."""
    with open("/dev/full", "wb") as full:
        shown = closing(*words, closed=(), stdout=full, stderr=subprocess.PIPE)
    assert (shown.returncode, shown.stderr.splitlines()[-1]) == (5, "forestall: write error: No space left on device")
    shown = closing(*words, closed=(1,), stderr=subprocess.PIPE)
    assert (shown.returncode, shown.stderr.splitlines()[-1]) == (5, "forestall: write error: Bad file descriptor")
    assert "Traceback" not in shown.stderr


def test_words_that_nobody_takes_change_nothing() -> None:
    """With stderr closed the words do not end up in the table on stdout; with everything closed it still ends well."""
    shown = closing("status", "--json", closed=(2,), stdout=subprocess.PIPE)
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["version"] == 1
    assert closing("nonsense", closed=(0, 1, 2)).returncode == 2
