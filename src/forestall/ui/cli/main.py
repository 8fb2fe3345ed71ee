"""The command line: finds the command, loads it and no other, and turns every failure into one line and an exit code.

`forestall --help` loads no command at all, so names and help lines stand here; a test holds them equal to the
commands' own NAME and HELP.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

from forestall import __version__
from forestall.model.errors import Absent, Denied, ForestallError, Malformed, Misuse
from forestall.operations.streams import take_up_standard_streams

if TYPE_CHECKING:
    from argparse import ArgumentParser

COMMANDS: Final = (
    ("status", "memory of the host and of every service, the most urgent first (our free)"),
    ("run", "run a command in a memory-limited cgroup of its own, under guard"),
    ("demo", "a real leak in a real cgroup, seen coming and stopped in time"),
    ("agent", "guard and record this machine, in the foreground"),
    ("history", "what a target used over time: table, JSON, CSV or a plot"),
    ("capture", "keep evidence of a target now: cgroup files, top processes, smaps, pressure"),
    ("web", "the page: the same table, live, with a chart per service"),
    ("config", "check the configuration and explain every mistake"),
)
HIDDEN: Final = ("up",)

HELP_COLUMNS_MIN: Final = 60
HELP_COLUMNS_MAX: Final = 100
"""Longer lines of prose are hard to read."""

EXIT_OK: Final = 0
EXIT_USAGE: Final = 2
EXIT_CONFIG: Final = 3
EXIT_DENIED: Final = 4
EXIT_UNAVAILABLE: Final = 5
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141

WRITE_ERRORS: Final = frozenset({EBADF, EDQUOT, EFBIG, EIO, ENOSPC})
"""write(2) fails with them, and names no file."""

EPILOG: Final = """examples:
  forestall status                          what is at risk, now
  forestall status --watch                  the same, live
  forestall run --memory 512M -- ./my-app   your program under guard
  forestall demo                            see it work, in half a minute
  forestall COMMAND --help                  options and examples of one command

exit codes: 0 ok, 1 findings, 2 usage, 3 config, 4 denied, 5 unavailable
"""


def main(words: list[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    try:
        take_up_standard_streams()
        return _dispatch(sys.argv[1:] if words is None else words)
    except ForestallError as error:
        _complain(_sentence(error))
        return _exit_code(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_PIPE_CLOSED
    except OSError as error:
        what = error.filename or ("write error" if error.errno in WRITE_ERRORS else "system call")
        _complain(f"forestall: {what}: {error.strerror or error}")
        return EXIT_UNAVAILABLE
    finally:
        _give_up(sys.stdout)
        _give_up(sys.stderr)


def _complain(line: str) -> None:
    with suppress(OSError):  # there is nowhere left to say it
        print(line, file=sys.stderr, flush=True)


def _give_up(stream: TextIO) -> None:
    """Let what a stream cannot take go nowhere: the interpreter flushes it at exit, and would end with 120."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        if words[1:] and words[0] == "help":
            return _dispatch([words[1], "--help"])
        print(_overview(), end="", flush=True)
        return EXIT_OK
    if words[0] in ("-V", "--version"):
        print(f"forestall {__version__}", flush=True)
        return EXIT_OK
    command = _command(words[0])
    code: int = command.run(parser_of(command).parse_args(words[1:]))
    sys.stdout.flush()
    return code


def _command(word: str) -> ModuleType:
    names = [name for name, _ in COMMANDS]
    if word in (*names, *HIDDEN):
        return import_module(f"forestall.ui.cli.{word}")
    what = f"option {word!r}" if word.startswith("-") else f"command {word!r}"
    raise Misuse(what, "is not known", _nearest(word, names) or "forestall --help")


def _nearest(word: str, names: list[str]) -> str:
    from difflib import get_close_matches  # only a mistake pays for it

    near = get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean: forestall {near[0]}" if near else ""


def parser_of(command: ModuleType) -> ArgumentParser:
    """The command's options, and those that every command has: --json, --state-dir, --help."""
    from argparse import SUPPRESS, ArgumentError, ArgumentParser, RawDescriptionHelpFormatter

    class Formatter(RawDescriptionHelpFormatter):
        """Knows its width: argparse would load shutil for it, which is half a mebibyte in every process."""

        def __init__(self, prog: str) -> None:
            super().__init__(prog, width=_help_width())

    class Parser(ArgumentParser):
        """Fails with our own error in place of argparse's two lines."""

        def error(self, message: str) -> NoReturn:
            raise Misuse(self.prog, message, f"{self.prog} --help")

    prog = f"forestall {command.NAME}"
    parser = Parser(
        prog=prog,
        description=command.HELP,
        formatter_class=Formatter,
        add_help=False,
        allow_abbrev=False,
    )
    command.arguments(parser)
    shared = parser.add_argument_group("every command")
    for names, settings in (
        (("--json",), {"action": "store_true", "help": "one JSON document on stdout"}),
        (("--state-dir",), {"metavar": "DIR", "help": "all of forestall's files below DIR"}),
        (("--help",), {"action": "help", "help": "show this help"}),
        (("-h",), {"action": "help", "help": SUPPRESS}),
    ):
        try:
            shared.add_argument(*names, **settings)  # type: ignore[arg-type]
        except ArgumentError:
            continue  # the command has it with a meaning or words of its own, as free's -h in status
    return parser


def _help_width() -> int:
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = 0
    return max(HELP_COLUMNS_MIN, min(columns or HELP_COLUMNS_MAX, HELP_COLUMNS_MAX))


def _overview() -> str:
    widest = max(len(name) for name, _ in COMMANDS)
    listed = "".join(f"  {name:<{widest}}  {words}\n" for name, words in COMMANDS)
    return (
        "usage: forestall COMMAND [options]\n\n"
        "forestall keeps services from being OOM-killed.\n\n"
        f"commands:\n{listed}\n{EPILOG}"
    )


def _sentence(error: ForestallError) -> str:
    if isinstance(error, Absent):
        hint = f" (hint: {error.remedy})" if error.remedy else ""
        return f"forestall: {error.what}{hint}"
    if isinstance(error, Denied):
        return f"forestall: {error.what}: permission denied (hint: needs {error.capability})"
    return f"forestall: {error}"


def _exit_code(error: ForestallError) -> int:
    if isinstance(error, Misuse):
        return error.exit_code
    if isinstance(error, Denied):
        return EXIT_DENIED
    if isinstance(error, Malformed) and ".toml" in error.source:
        return EXIT_CONFIG
    return EXIT_UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
