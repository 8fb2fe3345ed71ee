"""`${NAME}` and `${NAME:default}` in the strings of a parsed document, out of the environment.

Only strings that the TOML parser has made are expanded, never the text of the file, so no value can add a key or end
a string; and what was put in is not expanded again. The default begins after the first colon and may hold more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from forestall.config.lines import Path

_REFERENCE: Final = re.compile(r"\$\{([^{}:]*)(?::([^{}]*))?\}|\$\{")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(parsed: Any, environment: Mapping[str, str], complain: Callable[[Path, str], None]) -> Any:
    """The document with its references replaced; `complain` is told the path and what is wrong with one."""
    return _expand((), parsed, environment, complain)


def _expand(
    path: Path,
    parsed: Any,
    environment: Mapping[str, str],
    complain: Callable[[Path, str], None],
) -> Any:
    if isinstance(parsed, dict):
        return {key: _expand((*path, key), part, environment, complain) for key, part in parsed.items()}
    if isinstance(parsed, list):
        return [_expand((*path, index), part, environment, complain) for index, part in enumerate(parsed)]
    if not isinstance(parsed, str):
        return parsed

    def replaced(found: re.Match[str]) -> str:
        name: str | None = found[1]
        default: str | None = found[2]
        if name is None or not _NAME.fullmatch(name):
            complain(path, f'"{found[0]}" is not ${{NAME}} or ${{NAME:default}}')
            return ""
        value = environment.get(name, default)
        if value is None:
            complain(path, f"${{{name}}} is not in the environment and has no default (${{{name}:default}})")
            return ""
        return str(value)

    return _REFERENCE.sub(replaced, parsed)
