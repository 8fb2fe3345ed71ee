"""Reads and writes of small kernel files, with every errno turned into a word of ours.

A read is one call with a bound; kept descriptors are read with pread at 0,
which is five to seven times cheaper than open, read and close (measured).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Final

from forestall.model.errors import Absent, Denied, ForestallError, Malformed

READ_BYTES_MAX = 256 * 1024
REMOVE_TRIES: Final = 20
REMOVE_PAUSE_SECONDS: Final = 0.01
RESERVED_FILES = 64
"""The last descriptors that this process may have are for hands, and for the processes that are to be stopped."""
_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.ENOTDIR, errno.ENXIO, errno.EOPNOTSUPP, errno.ENOSYS})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def told(error: OSError, what: str) -> ForestallError:
    """Return the error of ours that `error` on `what` means: Absent, Denied, or Malformed for I/O errors."""
    if error.errno in _GONE:
        return Absent(what)
    if error.errno in _REFUSED:
        return Denied(what, "permission to open it (root, or the owner of the process)")
    return Malformed(what, error.strerror or str(error))


def is_reserved(descriptor: int) -> bool:
    """Whether a descriptor is one of the last RESERVED_FILES below the limit (getrlimit(2)): not to be kept."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft != resource.RLIM_INFINITY and descriptor >= soft - RESERVED_FILES


class KeptFile:
    """A kernel file held open and read again and again from its beginning.

    The descriptor stays bound to the object that was opened: a cgroup that is
    removed, or a process that ends, answers Absent, never somebody else's numbers.
    For files of one record (cgroup files, meminfo, statm): of a list such as
    vmstat the kernel gives at most a page at a time (fs/seq_file.c), `read_file` all.
    Where descriptors are short it is opened anew at each read, and its inode number
    tells whether it is still the same.
    """

    __slots__ = ("_fd", "_inode", "_owner_pid", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1
        self._owner_pid = os.getpid()
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise told(error, path) from error
        self._inode: int | None = None
        if is_reserved(self._fd):
            self._inode = os.fstat(self._fd).st_ino
            self.close()

    def read(self, limit: int = 65536) -> bytes:
        """Return at most `limit` bytes from the beginning; raises Absent, Denied or Malformed."""
        if self._inode is not None:
            return self._read_anew(self._inode, limit)
        try:
            return os.pread(self._fd, limit, 0)
        except OSError as error:
            raise told(error, self.path) from error

    def _read_anew(self, inode: int, limit: int) -> bytes:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if os.fstat(descriptor).st_ino != inode:
                    raise Absent(self.path)
                return os.pread(descriptor, limit, 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise told(error, self.path) from error

    def close(self) -> None:
        """Let the descriptor go; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self, getpid: Callable[[], int] = os.getpid, close: Callable[[int], None] = os.close) -> None:
        """Whoever forgets to close it keeps no descriptor; in a forked child the number may be another file's."""
        if self._fd >= 0 and self._owner_pid == getpid():
            close(self._fd)


def read_file(path: str, limit: int = READ_BYTES_MAX) -> bytes:
    """Return at most `limit` bytes of the file; raises Absent, Denied or Malformed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise told(error, path) from error
    try:
        parts = []
        while limit > 0:
            part = os.read(descriptor, limit)
            if not part:
                break
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)
    except OSError as error:
        raise told(error, path) from error
    finally:
        os.close(descriptor)


def open_own(path: str, flags: int, mode: int = 0o640) -> int:
    """Open a file of ours and return its descriptor; raises Absent, Denied or Malformed.

    A symbolic link in its place, or anything else that is no plain file, is somebody else's doing: Malformed.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        raise Malformed(path, "is a symbolic link") if error.errno == errno.ELOOP else told(error, path) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise Malformed(path, "is no plain file")


def write_file(path: str, text: str) -> None:
    """Write `text` in one call to an existing kernel file; raises Absent, Denied or Malformed."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise told(error, path) from error
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise told(error, path) from error
    finally:
        os.close(descriptor)


def replace_file(path: str, content: bytes, mode: int = 0o640) -> None:
    """Put a whole new file in the place of `path`: readers see the old or the new, never a half."""
    temporary = f"{path}.{os.getpid()}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError as error:
        remove_file(temporary)
        raise told(error, path) from error


def make_directory(path: str, mode: int = 0o750) -> None:
    """Make the directory and its parents where they are missing; raises Denied or Malformed."""
    try:
        os.makedirs(path, mode, exist_ok=True)
    except OSError as error:
        raise told(error, path) from error


def list_directory(path: str) -> list[str]:
    """Return the names in a directory; raises Absent, Denied or Malformed."""
    try:
        return os.listdir(path)
    except OSError as error:
        raise told(error, path) from error


def remove_file(path: str) -> None:
    """Remove a file; one that is gone already is fine."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise told(error, path) from error


def remove_tree(path: str) -> None:
    """Remove a directory of ours with what is in it; one that is gone already is fine.

    A process of ours that has just been killed may still be writing there: it is tried a few times.
    """
    import shutil
    import time

    for _ in range(REMOVE_TRIES):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return
        time.sleep(REMOVE_PAUSE_SECONDS)
