"""Notices as JSON lines in a file of bounded size, with one older file beside it (`NAME.1`)."""

from __future__ import annotations

import json
import os
from typing import Final, NamedTuple

from forestall.model.action import Notice
from forestall.model.errors import Denied
from forestall.model.plain import plain
from forestall.notify import Plugin

MODE: Final = 0o640


class Settings(NamedTuple):
    """Where to write, and how large the file may become before it is rotated."""

    path: str
    size_bytes: int = 10 * 1024 * 1024


class File:
    """Appends one line per notice; opened for each, so that it may be moved away from outside at any time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, notice: Notice) -> None:
        """Append the notice; raises Denied when it cannot be written whole."""
        written = json.dumps(plain(notice), separators=(",", ":")).encode() + b"\n"
        try:
            self._append(written)
        except OSError as error:
            raise Denied(f"{self._settings.path}: {error.strerror}", "a writable file with room") from None

    def _append(self, written: bytes) -> None:
        path = self._settings.path
        descriptor = self._open()
        try:
            size_bytes = os.fstat(descriptor).st_size
            if size_bytes and size_bytes + len(written) > self._settings.size_bytes:
                os.rename(path, f"{path}.1")
                os.close(descriptor)
                descriptor = -1
                descriptor = self._open()
                size_bytes = 0
            _write_whole(descriptor, written, size_bytes)
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._settings.path, flags, MODE)


PLUGIN: Final = Plugin(Settings, File)


def _write_whole(descriptor: int, written: bytes, size_bytes: int) -> None:
    """All or nothing: half a line (a full disk) is taken back, so that every line stays JSON."""
    try:
        done = 0
        while done < len(written):
            done += os.write(descriptor, written[done:])
    except OSError:
        os.ftruncate(descriptor, size_bytes)
        raise
