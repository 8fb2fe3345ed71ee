"""The `now` file: the last frame, its findings and trends, and how the agent is, replaced at every recording pass.

The recorder writes it, `status`, `top`, the page and probes read it. One JSON document of version 1: names of the
parts outside, positional values inside (see records), because it is written every second while a target is at risk.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from forestall.model.errors import Malformed
from forestall.model.finding import Finding
from forestall.model.frame import Frame, Note
from forestall.model.trend import Trend
from forestall.query.records import shape

if TYPE_CHECKING:
    from forestall.engine.tick import Ticked

VERSION = 1
NOW_BYTES_MAX = 16 * 1024 * 1024
"""What a reader accepts; 8,192 readings with trends take about 5 MiB."""

READINGS_MAX = 8192
"""What a writer writes: the largest by use; the rest is counted in a note."""

SOURCE = "now file"


class Health(NamedTuple):
    """How the agent is. Wall times since the epoch; `guard_heartbeat_seconds` is the age of the guard's last beat.

    `interval_seconds` is the pace of the frames, so a reader can tell a late one; `cpu_seconds` and
    `resident_bytes` are those of guard and recorder together.
    """

    pid: int
    version: str
    started_wall_seconds: float
    interval_seconds: float
    guard_heartbeat_seconds: float | None
    store_bytes: int
    missed_frames: int
    config_path: str
    policies: int
    cpu_seconds: float
    resident_bytes: int


class Now(NamedTuple):
    """The newest that is known. `trends` by target identity; `health` None: a live look, no agent behind it."""

    frame: Frame
    findings: tuple[Finding, ...]
    trends: dict[str, Trend]
    health: Health | None = None


def encode(frame: Frame, ticked: Ticked, health: Health | None) -> bytes:
    """The document of one tick; `decode` gives the same values back. Numbers must be finite."""
    frame, trends = _bounded(frame, ticked.trends)
    document = {
        "version": VERSION,
        "frame": frame,
        "findings": ticked.findings,
        "trends": trends,
        "health": health,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def decode(raw: bytes) -> Now:
    """The values of a document of this version; Malformed for anything else, too long ones included."""
    document = _document(raw)
    if document.get("version") != VERSION:
        raise Malformed(SOURCE, f"version {document.get('version')!r:.20} is not {VERSION}", raw)
    missing = [name for name in Now._fields if name not in document]
    if missing:
        raise Malformed(SOURCE, f"{missing[0]} is missing", raw)
    read = shape(Now, SOURCE)
    now: Now = read([document[name] for name in Now._fields])
    return now


def _document(raw: bytes) -> dict[str, Any]:
    if len(raw) > NOW_BYTES_MAX:
        raise Malformed(SOURCE, f"longer than {NOW_BYTES_MAX} bytes", raw)
    try:
        document = json.loads(raw.decode(), parse_constant=_refuse)
    except RecursionError:
        raise Malformed(SOURCE, "nested too deeply", raw) from None
    except ValueError as error:
        raise Malformed(SOURCE, str(error)[:100], raw) from None
    if not isinstance(document, dict):
        raise Malformed(SOURCE, "not an object", raw)
    return document


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not a number of JSON")


def _bounded(frame: Frame, trends: dict[str, Trend]) -> tuple[Frame, dict[str, Trend]]:
    if len(frame.readings) <= READINGS_MAX:
        return frame, trends
    kept = sorted(frame.readings, key=lambda reading: reading.used_bytes, reverse=True)[:READINGS_MAX]
    left_out = len(frame.readings) - READINGS_MAX
    note = Note(f"{left_out} targets", f"only the {READINGS_MAX} largest are shown", "ask the store for the others")
    identities = {reading.target.identity for reading in kept}
    short = frame._replace(readings=tuple(kept), notes=(*frame.notes, note))
    return short, {identity: trend for identity, trend in trends.items() if identity in identities}
