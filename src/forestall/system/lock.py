"""One actor per target on a host: an advisory lock on the target itself (flock(2)).

The lock lies on a file of the cgroup that only its owner may open (any user may
open the directory, and could switch a guard off by locking it), or on /proc/PID,
not on a file of ours: it is host-wide whatever state directory is used, belongs
to exactly that inode, leaves nothing behind, and is gone with its holder.
"""

from __future__ import annotations

import fcntl
import os
from typing import Final

from forestall.system.files import told


class TargetLock:
    """The right to act on one target, held until `close` or until this process ends."""

    __slots__ = ("_fd",)

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor

    def close(self) -> None:
        """Give the right back; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


OWNERS_FILES: Final = ("memory.force_empty", "cgroup.kill", "memory.reclaim")
"""Write-only files, mode 0200: v1; v2 from 5.14 and from 5.19 on. Opening one does nothing."""


def _open(directory: str) -> int:
    for name in OWNERS_FILES:
        try:
            return os.open(f"{directory}/{name}", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            continue
    try:
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise told(error, directory) from error


def lock_target(directory: str) -> TargetLock | None:
    """Return the right to act on the target whose directory this is; None when somebody else has it.

    Raises Absent when the target is gone, Denied when its directory may not be opened.
    """
    descriptor = _open(directory)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise told(error, directory) from error
    return TargetLock(descriptor)
