"""`forestall history TARGET`: what a target used over time, as a table, a plot, CSV or JSON, out of the store."""

from __future__ import annotations

import csv
import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from forestall.model.errors import Misuse
from forestall.model.finding import Severity
from forestall.model.plain import plain
from forestall.query.here import own_places
from forestall.query.history import History, Mark, Point, history, metrics, now_wall_seconds
from forestall.query.times import span as read_span
from forestall.ui.cli.plot import plot
from forestall.ui.cli.screen import terminal
from forestall.ui.cli.table import Column, Line, lay_out, paint
from forestall.ui.words import MISSING, share, size

NAME: Final = "history"
HELP: Final = "what a target used over time: table, JSON, CSV or a plot"
EPILOG: Final = """examples:
  forestall history nginx.service                        the last hour
  forestall history nginx.service --plot                 the same as a curve with its limit
  forestall history host --since -1                      yesterday, as sar counts days
  forestall history api --since "yesterday 14:00" --until "yesterday 15:30" --csv > api.csv
  forestall history 812 --since "10m ago" --metric pressure --json

times: "10m ago", "yesterday 14:00", "14:05", "2025-03-30 14:05", an epoch, -1 (yesterday)
"""

JSON_VERSION: Final = 1
ROWS_MAX: Final = 30
"""A table of a screenful; CSV and JSON give every point."""

EVERY_POINT: Final = 1_000_000
PLOT_LINES: Final = 12
PLOT_SIDE: Final = 9
DAY_SECONDS: Final = 86_400.0


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("target", metavar="TARGET", help="a service's name, a pid, a cgroup path, or host")
    parser.add_argument("--since", metavar="TIME", help="begin (default: an hour before the end)")
    parser.add_argument("--until", metavar="TIME", help="end (default: now)")
    parser.add_argument("--metric", metavar="NAME", default="used", help=f"one of {', '.join(metrics())}")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--csv", action="store_true", help="every point as CSV")
    forms.add_argument("--plot", action="store_true", help="a curve in the terminal")


def run(options: Namespace) -> int:
    """Read the span and print it in the form that was asked for."""
    if options.json and (options.csv or options.plot):
        raise Misuse("option --json", "is another form than --csv or --plot", "choose one of them")
    where = own_places(options.state_dir)
    span = read_span(options.since, options.until, now_wall_seconds())
    screen = terminal(os.environ)
    points_max = EVERY_POINT if options.json or options.csv else _points_max(options.plot, screen.width)
    found = history(where.state, options.target, span, options.metric, points_max)
    for note in found.notes:
        print(f"forestall: {note.what}: {note.why} ({note.remedy})", file=sys.stderr)
    if options.json:
        print(json.dumps({"version": JSON_VERSION, **_document(found)}))
    elif options.csv:
        _write_csv(found)
    elif options.plot:
        print("\n".join(picture(found, screen.width or 80)))
    else:
        print("\n".join(table(found, screen.width, screen.colour)))
    return 0


def table(found: History, width: int | None, colour: bool) -> list[str]:
    """Lines of a table: the points, and between them what happened."""
    title = found.metric.upper()
    limited = bool(found.limits)
    columns = [Column("TIME", right=False), Column(title), Column("LOWEST"), Column("HIGHEST")]
    if limited:
        columns += [Column("LIMIT"), Column("OF LIMIT")]
    limits = {point.wall_seconds: point for point in found.limits}
    lines = [
        Line(_cells(found, point, limits.get(point.wall_seconds), limited), _severity(point, limits))
        for point in found.points
    ]
    head, *rows = lay_out(columns, lines, width, colour)
    return [head, *_with_marks(found, rows, colour)]


def picture(found: History, width: int) -> list[str]:
    """Lines of a plot: a title, the curve with sizes at its side, the times below, and what happened."""
    points = [(point.wall_seconds, value) for point in found.points for value in (point.low, point.high, point.last)]
    limit = found.limits[-1].last if found.limits else None
    across = max(10, width - PLOT_SIDE)
    curve = plot(points, across, PLOT_LINES, limit)
    highest = max((value for _, value in points), default=0.0)
    now = found.points[-1].last if found.points else None
    title = f"{found.target.name}: {found.metric} {_number(now, found.unit)}, highest {_number(highest, found.unit)}"
    if limit is not None:
        title += f", limit {_number(limit, found.unit)}"
    lines = [title, *(" " * PLOT_SIDE + line for line in curve)]
    begin, end = (_clock(at, found) for at in (points[0][0], points[-1][0])) if points else ("", "")
    lines.append(" " * PLOT_SIDE + begin + end.rjust(across - len(begin)))
    return lines + [_mark(mark, found) for mark in found.marks]


def _points_max(as_plot: bool, width: int | None) -> int:
    return 2 * max(10, (width or 80) - PLOT_SIDE) if as_plot else ROWS_MAX


def _cells(found: History, point: Point, limit: Point | None, limited: bool) -> tuple[str, ...]:
    numbers = tuple(_number(value, found.unit) for value in (point.last, point.low, point.high))
    at = _clock(point.wall_seconds, found)
    if not limited:
        return (at, *numbers)
    if limit is None:
        return (at, *numbers, MISSING, MISSING)
    return (at, *numbers, _number(limit.last, "bytes"), share(point.high / limit.last if limit.last > 0 else None))


def _severity(point: Point, limits: dict[float, Point]) -> Severity:
    limit = limits.get(point.wall_seconds)
    if limit is None or limit.last <= 0:
        return Severity.INFO
    ratio = point.high / limit.last
    return Severity.CRITICAL if ratio > 0.92 else Severity.WARNING if ratio > 0.8 else Severity.INFO


def _with_marks(found: History, rows: list[str], colour: bool) -> Iterator[str]:
    marks = list(found.marks)
    for point, row in zip(found.points, rows, strict=True):
        while marks and marks[0].wall_seconds < point.wall_seconds:
            yield paint(_mark(marks.pop(0), found), Severity.WARNING, colour)
        yield row
    for mark in marks:
        yield paint(_mark(mark, found), Severity.WARNING, colour)


def _mark(mark: Mark, found: History) -> str:
    return f"{_clock(mark.wall_seconds, found)} {mark.kind}: {mark.words}"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return MISSING
    if unit == "bytes":
        return size(round(value))
    if unit == "ratio":
        return share(value)
    return f"{value:.0f}" if unit == "count" else f"{value:.1f}"


def _clock(wall_seconds: float, found: History) -> str:
    """Local time; with the date when the span is longer than a day."""
    moment = datetime.fromtimestamp(wall_seconds)  # noqa: DTZ006 - people read local time
    longer = found.span.until_wall_seconds - found.span.since_wall_seconds > DAY_SECONDS
    return moment.strftime("%Y-%m-%d %H:%M:%S" if longer else "%H:%M:%S")


def _write_csv(found: History) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    limits = {point.wall_seconds: point.last for point in found.limits}
    writer.writerow(("time", "wall_seconds", "last", "low", "high", "limit"))
    for point in found.points:
        at = datetime.fromtimestamp(point.wall_seconds).astimezone().isoformat(timespec="milliseconds")
        limit = limits.get(point.wall_seconds, "")
        writer.writerow((at, repr(point.wall_seconds), *map(_exact, (point.last, point.low, point.high, limit))))


def _exact(value: float | str) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _document(found: History) -> dict[str, object]:
    document = plain(found)
    assert isinstance(document, dict)
    return {**document}
