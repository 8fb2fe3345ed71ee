"""The rows of `status`: services by risk, and the sentences around them."""

from __future__ import annotations

from typing import Final

from forestall.model.frame import Note
from forestall.query.views import ServiceRow, Table
from forestall.ui.cli.table import Column, Line, lay_out
from forestall.ui.words import Unit, ago, kill_line, label, rate, size, span, verdict

ROWS_SHOWN: Final = 20
KILLS_SHOWN: Final = 5
COLUMNS: Final = (
    Column("SERVICE", right=False, width_min=15),
    Column("USED"),
    Column("LIMIT"),
    Column("LEVEL", right=False, width_min=8),
    Column("HEADROOM"),
    Column("GROWTH"),
    Column("LEFT"),
    Column("VERDICT", right=False),
)


def services(table: Table, unit: Unit, width: int | None, rows_max: int | None, colour: bool) -> list[str]:
    """The table of services, the most urgent first; beyond `rows_max` only how many more there are."""
    shown = table.services[:rows_max]
    if not shown:
        return ["no service, container or process tree to show"]
    lines = lay_out(COLUMNS, [_line(row, unit) for row in shown], width, colour)
    more = len(table.services) - len(shown)
    if more:
        lines.append(f"... and {more} more (--all)")
    return lines


def kills(table: Table) -> list[str]:
    """A sentence for each recent kill, the latest first."""
    lines = [kill_line(row) for row in table.kills[:KILLS_SHOWN]]
    more = len(table.kills) - len(lines)
    return [*lines, f"... and {more} more kernel OOM kills in the last hour"] if more else lines


def notes(table: Table) -> list[str]:
    """What could not be seen, why, and what would help; for stderr."""
    return [_note(note) for note in table.notes]


def source(table: Table) -> str:
    """Where the numbers come from and how old they are; for stderr. Empty when there is nothing to say."""
    if table.health is None and any(row.growth_bytes_per_second is not None for row in table.services):
        return "no agent is running: growth is judged from these looks alone (hint: forestall agent)"
    if table.health is None:
        return "no agent is running: growth is not known from one look (hint: --watch, or forestall agent)"
    if table.late:
        who = f"the agent (pid {table.health.pid})"
        return f"{who} has stopped writing: these numbers are from {ago(table.age_seconds)}"
    return ""


def _note(note: Note) -> str:
    return f"{note.what}: {note.why}" + (f" (hint: {note.remedy})" if note.remedy else "")


def _line(row: ServiceRow, unit: Unit) -> Line:
    left = row.seconds_left if row.verdict.word == "leaking" else None
    return Line(
        (
            label(row),
            size(row.used_bytes, unit),
            size(row.limit_bytes, unit),
            row.level,
            size(row.headroom_bytes, unit),
            rate(row.growth_bytes_per_second),
            span(left),
            _short(row),
        ),
        row.verdict.severity,
    )


def _short(row: ServiceRow) -> str:
    """The verdict beside a LEFT column, which has the time already."""
    return "leaking" if row.verdict.word == "leaking" else verdict(row)
