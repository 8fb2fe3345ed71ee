"""What a target did over time: points, limits and events of a span out of the store, for every screen.

Screens give a name as people write it, and a span; they get points that fit their width, low and high of each step
kept, because a thin spike is what kills.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from forestall.model.action import Outcome
from forestall.model.capture import Capture
from forestall.model.errors import Absent, Misuse
from forestall.model.finding import Finding
from forestall.model.frame import Note
from forestall.model.kill import Kill
from forestall.model.target import Target
from forestall.query.times import Span
from forestall.store.events import CAPTURE, FINDING, KILL, OUTCOME, Value
from forestall.store.reader import Reader
from forestall.store.series import METRICS, Choice, Point
from forestall.system.clock import Clock

__all__ = ["History", "Mark", "Point", "downsample", "history", "metrics", "now_wall_seconds"]

POINTS_MAX: Final = 600
LIMITED: Final = frozenset({"used", "usage"})
"""Metrics that mean something beside the limit."""

_MARKED: Final = (FINDING, OUTCOME, CAPTURE, KILL)


class Mark(NamedTuple):
    """Something that happened to the target: finding, outcome, capture or kill, in words."""

    wall_seconds: float
    kind: str
    words: str


class History(NamedTuple):
    """One metric of one target over a span. `limits` are the limit's points, for metrics that have one."""

    target: Target
    metric: str
    unit: str
    span: Span
    points: tuple[Point, ...]
    limits: tuple[Point, ...]
    marks: tuple[Mark, ...]
    notes: tuple[Note, ...]


def history(state: str, wanted: str, span: Span, metric: str = "used", points_max: int = POINTS_MAX) -> History:
    """Read one metric of the target that `wanted` names, out of the store in the directory `state`.

    `wanted` is a name (its `.service` may be left out), cgroup path, identity, pid, `kind:name` or "host"; a name's
    history joins its instances. Raises Misuse for a metric that is not known, Absent for a target that was not seen
    in the span, with the nearest names.
    """
    if metric not in METRICS:
        raise Misuse(f"metric {metric!r}", "is not known", f"one of {', '.join(METRICS)}")
    reader = Reader(state)
    limited = metric in LIMITED
    asked = (metric, "limit") if limited else (metric,)
    step_seconds = (span.until_wall_seconds - span.since_wall_seconds) / max(1, points_max)
    target, found = _points(reader, wanted, asked, span, step_seconds)
    return History(
        target,
        metric,
        METRICS[metric].unit,
        span,
        downsample(found[metric], points_max),
        downsample(found["limit"], points_max) if limited else (),
        _marks(reader, target, span),
        reader.notes,
    )


def metrics() -> tuple[str, ...]:
    """The names of all metrics."""
    return tuple(METRICS)


def now_wall_seconds() -> float:
    """The wall time it is, for screens, which read no clock themselves."""
    return Clock().now().wall_seconds


def downsample(points: Sequence[Point], points_max: int) -> tuple[Point, ...]:
    """At most `points_max` points: low, high and last of each of as many equal steps; steps without a point are out."""
    if len(points) <= points_max:
        return tuple(points)
    begin = points[0].wall_seconds
    step = (points[-1].wall_seconds - begin) / points_max or 1.0
    thinned: dict[int, Point] = {}
    for point in points:
        place = min(points_max - 1, int((point.wall_seconds - begin) / step))
        known = thinned.get(place, point)
        thinned[place] = Point(known.wall_seconds, min(known.low, point.low), max(known.high, point.high), point.last)
    return tuple(thinned.values())


def _points(
    reader: Reader, wanted: str, asked: tuple[str, ...], span: Span, step_seconds: float
) -> tuple[Target, dict[str, list[Point]]]:
    for choice in (_exactly(wanted), _without_suffix(wanted)):
        target, found = reader.points(choice, asked, *span, step_seconds)
        if target is not None:
            return target, found
    name = _unique_part(reader, wanted, span)
    target, found = reader.points(lambda other: other.name == name, asked, *span, step_seconds)
    if target is None:
        raise Absent(f"target {wanted!r} was not seen in this time", "another --since and --until")
    return target, found


def _exactly(wanted: str) -> Choice:
    def fits(target: Target) -> bool:
        names = (target.name, target.path, target.identity, f"{target.kind}:{target.name}")
        return wanted in names or (wanted.isdecimal() and target.identity.startswith(f"{wanted}@"))

    return fits


def _without_suffix(wanted: str) -> Choice:
    return lambda target: target.name in (f"{wanted}.service", f"{wanted}.scope")


def _unique_part(reader: Reader, wanted: str, span: Span) -> str:
    from difflib import get_close_matches  # only a name that is not known pays for it

    names = sorted({target.name for target in reader.targets(*span)})
    parts = [name for name in names if wanted in name]
    if len(parts) == 1:
        return parts[0]
    near = parts[:3] or get_close_matches(wanted, names[:1000], n=3)
    remedy = f"did you mean {', '.join(near)}?" if near else "another --since and --until, or look at: forestall status"
    raise Absent(f"target {wanted!r} was not seen in this time", remedy)


def _marks(reader: Reader, target: Target, span: Span) -> tuple[Mark, ...]:
    happened = [event for event in reader.events(*span, _MARKED) if _same(event.target, target)]
    return tuple(Mark(event.wall_seconds, event.kind, _words(event.value)) for event in happened)


def _words(happened: Value) -> str:
    if isinstance(happened, Finding):
        return happened.summary
    if isinstance(happened, Outcome):
        return f"{happened.deed.verb}: {happened.result}" + (f", {happened.words}" if happened.words else "")
    if isinstance(happened, Capture):
        return f"captured: {happened.why}"
    if isinstance(happened, Kill):
        victim = f"{happened.comm or 'a process'}" + (f" (pid {happened.pid})" if happened.pid is not None else "")
        return f"the kernel killed {victim}"
    return happened.headline


def _same(happened: Target, target: Target) -> bool:
    if happened.identity == target.identity or (happened.kind, happened.name) == (target.kind, target.name):
        return True
    return bool(target.path) and (happened.path == target.path or happened.path.startswith(f"{target.path}/"))
