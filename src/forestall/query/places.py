"""Where forestall keeps what it writes: the state directory (the store) and the runtime directory (live state).

Pure: the uid and the environment come in as values, so that every command, test and unit file agrees on the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from forestall.model.errors import Misuse

SYSTEM_STATE: Final = "/var/lib/forestall"
SYSTEM_RUNTIME: Final = "/run/forestall"


class Places(NamedTuple):
    """`state` holds the store's files, `runtime` the live state (`now`, `guard`, `control`); absolute paths."""

    state: str
    runtime: str


def places(state_dir: str | None, uid: int, environment: Mapping[str, str]) -> Places:
    """Say where things are: below `state_dir` when given, else the system's for root, else the user's.

    The user's directories follow the XDG base directory specification, which tells programs to ignore relative
    values. Raises Misuse when neither XDG_STATE_HOME nor HOME says where the user's state belongs.
    """
    if state_dir:
        return Places(state_dir, f"{state_dir.rstrip('/')}/run")
    if uid == 0:
        return Places(SYSTEM_STATE, SYSTEM_RUNTIME)
    state = f"{_state_home(environment)}/forestall"
    runtime_home = _absolute(environment, "XDG_RUNTIME_DIR")
    return Places(state, f"{runtime_home}/forestall" if runtime_home else f"{state}/run")


def _state_home(environment: Mapping[str, str]) -> str:
    state_home = _absolute(environment, "XDG_STATE_HOME")
    if state_home:
        return state_home
    home = _absolute(environment, "HOME")
    if not home:
        raise Misuse("state directory", "neither XDG_STATE_HOME nor HOME is set", "name one with --state-dir DIR")
    return f"{home}/.local/state"


def _absolute(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    return value.rstrip("/") if value.startswith("/") else ""
