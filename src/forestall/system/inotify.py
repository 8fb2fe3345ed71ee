"""Directory events, inotify(7): a cgroup that is made or removed wakes us, no tree has to be walked to see it."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from forestall.system.files import told

WATCHES_MAX: Final = 8192
_IN_CREATE: Final = 0x100
_IN_DELETE: Final = 0x200
_IN_MOVED_TO: Final = 0x80
_IN_ONLYDIR: Final = 0x01000000
_EVENT: Final = struct.Struct("iIII")
_BATCH_BYTES: Final = 65536


class DirectoryEvents:
    """An inotify descriptor (`fd`, poll for reading) over directories whose sub-directories come and go."""

    __slots__ = ("_library", "_watched", "fd")

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self.fd = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watched: dict[str, int] = {}
        if self.fd < 0:
            number = ctypes.get_errno()
            raise told(OSError(number, os.strerror(number)), "inotify")

    def watch(self, directories: set[str]) -> None:
        """Watch exactly these directories from now on (at most WATCHES_MAX); what is gone is passed over."""
        for path in self._watched.keys() - directories:
            self._library.inotify_rm_watch(self.fd, self._watched.pop(path))
        for path in directories - self._watched.keys():
            if len(self._watched) >= WATCHES_MAX:
                return
            mask = _IN_CREATE | _IN_DELETE | _IN_MOVED_TO | _IN_ONLYDIR
            number = self._library.inotify_add_watch(self.fd, os.fsencode(path), mask)
            if number >= 0:
                self._watched[path] = number

    def clear(self) -> bool:
        """Take the events that waited; whether there were any."""
        try:
            raw = os.read(self.fd, _BATCH_BYTES)
        except BlockingIOError:
            return False
        for path in self._removed(raw):
            number = self._watched.pop(path, None)
            if number is not None:
                self._library.inotify_rm_watch(self.fd, number)
        return True

    def _removed(self, raw: bytes) -> set[str]:
        """Return the paths that these events report gone: what is made there again is another directory.

        Told by the parent's event: cgroup file systems never send IN_IGNORED for the directory itself (tried).
        """
        paths = {number: path for path, number in self._watched.items()}
        removed = set()
        offset = 0
        while offset < len(raw):
            number, mask, _, name_bytes = _EVENT.unpack_from(raw, offset)
            begin = offset + _EVENT.size
            offset = begin + name_bytes
            if mask & _IN_DELETE and number in paths:
                name = raw[begin:offset].rstrip(b"\0")
                removed.add(f"{paths[number]}/{os.fsdecode(name)}")
        return removed

    def close(self) -> None:
        """Let all watches go."""
        os.close(self.fd)
