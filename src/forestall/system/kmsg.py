"""The kernel log, /dev/kmsg (Documentation/ABI/testing/dev-kmsg): one record a read, never blocking."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from forestall.system.files import told

RECORD_BYTES_MAX = 8192
RECORDS_A_DRAIN_MAX = 4096


class KernelLog:
    """An open /dev/kmsg. `fd` may be polled for reading.

    `from_start` reads all that the ring buffer still holds, otherwise only what comes from now on.
    """

    __slots__ = ("_owner_pid", "fd")

    def __init__(self, path: str = "/dev/kmsg", *, from_start: bool) -> None:
        self.fd = -1
        self._owner_pid = os.getpid()
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise told(error, path) from error
        if not from_start:
            os.lseek(self.fd, 0, os.SEEK_END)

    def drain(self) -> list[bytes]:
        """Return the records that wait, at most RECORDS_A_DRAIN_MAX; overwritten ones are skipped (EPIPE)."""
        records: list[bytes] = []
        for _ in range(RECORDS_A_DRAIN_MAX):
            try:
                record = os.read(self.fd, RECORD_BYTES_MAX)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.EINVAL):
                    continue
                break
            if not record:
                break
            records.append(record)
        return records

    def close(self) -> None:
        """Let the log go; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __del__(self, getpid: Callable[[], int] = os.getpid, close: Callable[[int], None] = os.close) -> None:
        """As for every kept file: forgotten is closed, but never in a forked child."""
        if self.fd >= 0 and self._owner_pid == getpid():
            close(self.fd)
