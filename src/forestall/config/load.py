"""Reads `forestall.toml` and `conf.d/*.toml` and makes a Config of them, or tells every mistake at once.

Of tables in several files the later file's keys win; `[[service]]` lists append. The files are read in the order of
their names, the main one first.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from forestall.config.environment import expand
from forestall.config.lines import Path, line_of, lines
from forestall.config.mistakes import Mistake, Place
from forestall.config.schema import Config
from forestall.config.sections import Document, Sections
from forestall.model.errors import Misuse

MAIN: Final = "/etc/forestall/forestall.toml"
DROP_INS: Final = "conf.d"
FILE_BYTES_MAX: Final = 1024 * 1024
FILES_MAX: Final = 256
DEPTH_MAX: Final = 32
NESTED: Final = "nested too deeply"
EXIT_CODE: Final = 3
_LONG_NUMBER: Final = re.compile(r"[0-9_]{1000}")


def find(main: str | None = None) -> tuple[str, ...]:
    """The files to read: `main` (default: the system's, which may be missing), then `conf.d/*.toml` beside it.

    A file of another name than `forestall.toml` stands alone. Raises Misuse when a file that was named is missing.
    """
    path = main or MAIN
    if main and not os.path.isfile(main):
        raise Misuse(f"configuration {main}", "no such file", exit_code=EXIT_CODE)
    found = [path] if os.path.isfile(path) else []
    if os.path.basename(path) != os.path.basename(MAIN):
        return tuple(found)
    directory = os.path.join(os.path.dirname(path), DROP_INS)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    drop_ins = [os.path.join(directory, name) for name in names if name.endswith(".toml") and not name.startswith(".")]
    return (*found, *drop_ins[:FILES_MAX])


def load(files: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration in these files; raises Misuse with every mistake, its file and line."""
    config, mistakes = check(files, environment)
    if mistakes:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        told = "".join(f"\n  {mistake}" for mistake in mistakes)
        raise Misuse("configuration", f"{count}{told}", exit_code=EXIT_CODE)
    return config


def check(files: Sequence[str], environment: Mapping[str, str]) -> tuple[Config, tuple[Mistake, ...]]:
    """The configuration as far as it can be read, and every mistake, by file and line."""
    mistakes: list[Mistake] = []
    documents = [document for file in files if (document := _document(file, environment, mistakes)) is not None]
    config = Sections(documents, mistakes).config(tuple(files))
    order = {file: place for place, file in enumerate(files)}
    mistakes.sort(key=lambda mistake: (order.get(mistake.place.file, 0), mistake.place.line))
    return config, tuple(mistakes)


def _document(file: str, environment: Mapping[str, str], mistakes: list[Mistake]) -> Document | None:
    text = _text(file, mistakes)
    if text is None:
        return None
    try:
        parsed: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistakes.append(Mistake(Place(file, _error_line(str(error), text)), f"not TOML: {error}"))
        return None
    except RecursionError:
        mistakes.append(Mistake(Place(file, 1), NESTED))
        return None
    except ValueError:  # int() refuses more than sys.int_info.default_max_str_digits
        mistakes.append(Mistake(Place(file, _long_number_line(text)), "a number has too many digits"))
        return None
    if _is_deeper_than(parsed, DEPTH_MAX):
        mistakes.append(Mistake(Place(file, 1), NESTED))
        return None
    known = lines(text)
    broken: set[int] = set()

    def complain(path: Path, words: str) -> None:
        broken.add(line_of(known, path))
        mistakes.append(Mistake(Place(file, line_of(known, path)), words))

    expanded = expand(parsed, environment, complain)
    return Document(file, expanded, known, frozenset(broken))


def _text(file: str, mistakes: list[Mistake]) -> str | None:
    try:
        with open(file, "rb") as opened:
            raw = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        mistakes.append(Mistake(Place(file, 1), f"cannot be read: {error.strerror}"))
        return None
    if len(raw) > FILE_BYTES_MAX:
        mistakes.append(Mistake(Place(file, 1), f"larger than {FILE_BYTES_MAX} bytes"))
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        mistakes.append(Mistake(Place(file, line), "not UTF-8"))
        return None


def _is_deeper_than(parsed: dict[str, Any], depth_max: int) -> bool:
    """Whether tables and lists stand in each other more than `depth_max` times; looked at one level at a time."""
    level: list[Any] = [parsed]
    for _ in range(depth_max):
        inner = [part.values() if isinstance(part, dict) else part for part in level]
        level = [part for parts in inner for part in parts if isinstance(part, (dict, list))]
    return bool(level)


def _long_number_line(text: str) -> int:
    found = _LONG_NUMBER.search(text)
    return 1 if found is None else text.count("\n", 0, found.start()) + 1


def _error_line(words: str, text: str) -> int:
    """The line in tomllib's message: `... (at line 3, column 5)` or `(at end of document)`."""
    _, found, rest = words.rpartition("(at line ")
    number = rest.partition(",")[0]
    return int(number) if found and number.isdigit() else text.rstrip("\n").count("\n") + 1
