"""One place where memory can run out: a cgroup with a limit, or the host."""

from __future__ import annotations

from typing import Final, NamedTuple

HOST_LEVEL: Final = "host"


class Level(NamedTuple):
    """Bytes. `path` is a cgroup path or HOST_LEVEL; `limit_bytes` None = it has none of its own.

    `used_bytes` is unreclaimable use there, swapped-out memory included;
    `headroom_bytes` what may still be taken there, `swap_headroom_bytes` the
    part of it that is swap.
    """

    path: str
    limit_bytes: int | None
    used_bytes: int
    headroom_bytes: int
    swap_headroom_bytes: int
