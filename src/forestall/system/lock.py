"""One actor per target on a host: an advisory lock on the target itself (flock(2)).

The lock lies on the cgroup's directory, or on /proc/PID, not on a file of ours:
it is host-wide whatever state directory is used, belongs to exactly that inode,
leaves nothing behind, and is gone with its holder.
"""

from __future__ import annotations

import fcntl
import os

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


def lock_target(directory: str) -> TargetLock | None:
    """Return the right to act on the target whose directory this is; None when somebody else has it.

    Raises Absent when the target is gone, Denied when its directory may not be opened.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise told(error, directory) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise told(error, directory) from error
    return TargetLock(descriptor)
