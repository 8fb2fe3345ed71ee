"""Notices as one line each on stderr, in key=value form; the journal of systemd reads their priority.

When stderr is the journal (JOURNAL_STREAM names its device and inode, systemd.exec(5)) each line begins with the
syslog priority in angle brackets (sd-daemon(3)); a person at a terminal does not get to see it.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from forestall.model.action import Notice
from forestall.model.errors import Absent
from forestall.model.finding import Severity
from forestall.notify import Plugin

LINE_BYTES_MAX: Final = 8192
"""The journal splits lines that are longer than 48 KiB; a notice is meant to be read."""

_PRIORITIES: Final = {Severity.INFO: 6, Severity.WARNING: 4, Severity.CRITICAL: 2}
_BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@#%+,*")


class Settings(NamedTuple):
    """Nothing to set."""


class Journal:
    """Writes to a file descriptor, stderr unless told otherwise."""

    def __init__(self, settings: Settings, descriptor: int = 2) -> None:
        self._settings = settings
        self._descriptor = descriptor

    def send(self, notice: Notice) -> None:
        """Write one line, all of it; raises Absent when nobody reads any more."""
        prefix = priority(notice.severity) if is_journal(self._descriptor, os.environ.get("JOURNAL_STREAM", "")) else ""
        raw = cut(prefix + line(notice)).encode("utf-8", "backslashreplace") + b"\n"
        try:
            while raw:
                raw = raw[os.write(self._descriptor, raw) :]
        except OSError as error:
            raise Absent(f"stderr cannot be written: {error.strerror}", "start the agent with an open stderr") from None


PLUGIN: Final = Plugin(Settings, Journal)


def line(notice: Notice) -> str:
    """The notice as `forestall: HEADLINE severity=warning target=unit:x.service key=value ...` on one line."""
    severity = Severity(max(Severity.INFO, min(Severity.CRITICAL, notice.severity))).name.lower()
    pairs = (("severity", severity), ("target", f"{notice.target.kind}:{notice.target.name}"), *notice.fields)
    shown = " ".join(f"{key}={quoted(value)}" for key, value in (*pairs, ("id", notice.id)))
    return f"forestall: {_flat(notice.headline)} {shown}"


def quoted(value: str) -> str:
    """A value that no reader can mistake for more than one: in quotes, escaped, unless it is one plain word."""
    if value and _BARE.issuperset(value):
        return value
    return '"' + _flat(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def priority(severity: int) -> str:
    """The syslog priority of a severity as sd-daemon(3) wants it: `<4>` for a warning."""
    known = Severity(max(Severity.INFO, min(Severity.CRITICAL, severity)))
    return f"<{_PRIORITIES[known]}>"


def is_journal(descriptor: int, journal_stream: str) -> bool:
    """Whether the descriptor is the stream that JOURNAL_STREAM (`device:inode`) names."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return journal_stream == f"{status.st_dev}:{status.st_ino}"


def cut(text: str) -> str:
    """At most LINE_BYTES_MAX characters, an ellipsis where something is missing."""
    return text if len(text) <= LINE_BYTES_MAX else text[: LINE_BYTES_MAX - 1] + "…"


def _flat(text: str) -> str:
    """One line: control characters escaped, so that no name can forge a line of its own."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
