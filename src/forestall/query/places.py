"""Where forestall keeps what it writes: the state directory (the store) and the runtime directory (live state).

Pure: the uid, the environment and what may be written come in as values, so that every command, test and unit file
agrees on the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

SYSTEM_STATE: Final = "/var/lib/forestall"
SYSTEM_RUNTIME: Final = "/run/forestall"
TEMPORARY: Final = "/tmp"  # noqa: S108 - query.here takes only a directory of its own below it

MayBeMade = Callable[[str], bool]
"""Whether a directory may be written to, or be made."""


class Places(NamedTuple):
    """`state` holds the store's files, `runtime` the live state (`now`, `guard`, `control`); absolute paths.

    `private`: they lie where everybody may write, so `state` must be made for this user alone.
    """

    state: str
    runtime: str
    private: bool = False


def _anywhere(_: str) -> bool:
    return True


def places(
    state_dir: str | None, uid: int, environment: Mapping[str, str], may_be_made: MayBeMade = _anywhere
) -> Places:
    """Say where things are: below `state_dir` when given, else the system's for root, else the user's.

    The user's directories follow the XDG base directory specification, which tells programs to ignore relative
    values. Without XDG_STATE_HOME and without a HOME that may be written it is a directory of the user's own below
    TEMPORARY.
    """
    if state_dir:
        return Places(state_dir, f"{state_dir.rstrip('/')}/run")
    if uid == 0:
        return Places(SYSTEM_STATE, SYSTEM_RUNTIME)
    state_home = _state_home(environment, may_be_made)
    state = f"{state_home}/forestall" if state_home else f"{TEMPORARY}/forestall-{uid}"
    runtime_home = _absolute(environment, "XDG_RUNTIME_DIR")
    runtime = f"{runtime_home}/forestall"
    if not runtime_home or not may_be_made(runtime):
        runtime = f"{state}/run"
    return Places(state, runtime, private=not state_home)


def _state_home(environment: Mapping[str, str], may_be_made: MayBeMade) -> str:
    state_home = _absolute(environment, "XDG_STATE_HOME")
    if state_home:
        return state_home
    home = _absolute(environment, "HOME")
    return f"{home}/.local/state" if home and may_be_made(f"{home}/.local/state/forestall") else ""


def _absolute(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    return value.rstrip("/") if value.startswith("/") else ""
