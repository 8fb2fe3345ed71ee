"""The page as HTML: verdict, host, services, charts, kills; complete without any script. Values in, text out."""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.finding import Severity
from forestall.model.frame import Note
from forestall.query.views import HostRow, ServiceRow, Table, host_findings
from forestall.ui.web.chart import Point, draw
from forestall.ui.web.markup import escape
from forestall.ui.words import UNIT_SUFFIXES, ago, halves, kill_line, label, rate, share, size, span, verdict

ROWS_SHOWN: Final = 200
CHARTS_SHOWN: Final = 12
KILLS_SHOWN: Final = 3
KILLS_LISTED: Final = 50
BAR_CELLS: Final = 1000
LEVEL_CLASSES: Final = {Severity.INFO: "ok", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}
COLUMNS: Final = ("Service", "Used", "Limit", "Level", "Headroom", "Growth", "Left", "Verdict")


class Drawn(NamedTuple):
    """One service that gets a chart, and its past."""

    row: ServiceRow
    points: tuple[Point, ...]


def document(table: Table, drawn: tuple[Drawn, ...], host_name: str) -> str:
    """The whole page. It reloads by itself where scripts do not run."""
    title = escape(f"forestall: {host_name}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title>"
        '<link rel="icon" href="/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/page.css">'
        '<script src="/page.js" defer></script>'
        '<noscript><meta http-equiv="refresh" content="5"></noscript></head><body>'
        f'<header><h1>forestall</h1><span class="host">{escape(host_name)}</span>'
        '<span id="live" role="status"></span>'
        '<button id="pause" type="button" hidden aria-pressed="false">Pause</button></header>'
        f'<main id="now">{fragment(table, drawn)}</main></body></html>'
    )


def fragment(table: Table, drawn: tuple[Drawn, ...]) -> str:
    """What changes from look to look: the inside of the page's main element."""
    urgent = tuple(one for one in drawn if one.row.verdict.severity > Severity.INFO)
    calm = tuple(one for one in drawn if one.row.verdict.severity == Severity.INFO)
    parts = (_source(table), _headline(table), _kills(table), _charts(urgent), _host(table.host), _services(table))
    return "".join((*parts, _charts(calm), _notes(table)))


def _source(table: Table) -> str:
    health = table.health
    if health is None:
        words = "No agent is running: this is one look at the host. Growth and history need it: forestall agent"
        return f'<p class="source warning">{words}</p>'
    if table.late:
        words = f"The agent (pid {health.pid}) has stopped writing. These numbers are from {ago(table.age_seconds)}."
        return f'<p class="source critical">{escape(words)}</p>'
    beat = health.guard_heartbeat_seconds
    guard = "no guard" if beat is None else f"guard beat {ago(beat)}"
    policies = f"{health.policies} {'policy' if health.policies == 1 else 'policies'}"
    words = f"seen {ago(table.age_seconds)} · agent pid {health.pid}, {guard}, {policies}"
    return f'<p class="source">{escape(words)}</p>'


def _headline(table: Table) -> str:
    """The first thing to read at night: what needs somebody, or that nothing does."""
    urgent = [row for row in table.services if row.verdict.severity > Severity.INFO]
    urgent.sort(key=lambda row: (-row.verdict.severity, -row.risk_ratio))
    host = host_findings(table)
    if not urgent and not host:
        count = len(table.services)
        words = f"{count} service{'' if count == 1 else 's'}, none at risk"
        room = f"{size(table.host.headroom_bytes)} of headroom on the host"
        return f'<section class="headline ok"><h2>{words}</h2><p>{room}</p></section>'
    worst = max([row.verdict.severity for row in urgent] + [finding.severity for finding in host])
    lines = [f"<strong>{escape(finding.summary)}</strong>" for finding in host]
    lines += [f"<strong>{escape(label(row))}</strong> {escape(_reason(row))}" for row in urgent[:4]]
    more = f"<p>and {len(urgent) - 4} more</p>" if len(urgent) > 4 else ""
    listed = "".join(f"<p>{line}</p>" for line in lines)
    return f'<section class="headline {LEVEL_CLASSES[worst]}">{listed}{more}</section>'


def _reason(row: ServiceRow) -> str:
    """The verdict with the numbers behind it."""
    room = f"{size(row.used_bytes)} of {size(row.limit_bytes)} used"
    growth = f", {rate(row.growth_bytes_per_second)}" if row.growth_bytes_per_second else ""
    return f"{verdict(row)} ({room}{growth})"


def _host(host: HostRow) -> str:
    """Free's numbers, and one bar of them."""
    cache = host.buffers_bytes + host.cache_bytes
    cells = (
        ("total", host.total_bytes),
        ("used", host.used_bytes),
        ("free", host.free_bytes),
        ("shared", host.shared_bytes),
        ("buff/cache", cache),
        ("available", host.available_bytes),
        ("swap used", host.swap_used_bytes),
        ("swap free", host.swap_free_bytes),
    )
    numbers = "".join(f"<div><dt>{name}</dt><dd>{size(value)}</dd></div>" for name, value in cells)
    total = max(1, host.total_bytes)
    used = round(BAR_CELLS * min(1.0, host.used_bytes / total))
    available = BAR_CELLS - used
    free = min(available, round(BAR_CELLS * host.free_bytes / total))
    label = f"host memory: {share(host.used_bytes / total)} used"
    bar = (
        f'<svg class="bar" viewBox="0 0 {BAR_CELLS} 10" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<rect class="b-used" width="{used}" height="10"/>'
        f'<rect class="b-cache" x="{used}" width="{available - free}" height="10"/></svg>'
    )
    return f'<section class="memory" aria-label="host">{bar}<dl>{numbers}</dl></section>'


def _kills(table: Table) -> str:
    if not table.kills:
        return ""
    lines = [f"<li>{escape(kill_line(row))}</li>" for row in table.kills[:KILLS_LISTED]]
    first, rest = "".join(lines[:KILLS_SHOWN]), "".join(lines[KILLS_SHOWN:])
    more = f"kernel OOM kills in the last hour: {len(table.kills)}"
    folded = f"<details><summary>{more}</summary><ul>{rest}</ul></details>" if rest else ""
    return f'<section class="kills critical"><ul>{first}</ul>{folded}</section>'


def _services(table: Table) -> str:
    shown = table.services[:ROWS_SHOWN]
    head = "".join(f'<th scope="col">{title}</th>' for title in COLUMNS)
    body = "".join(_row(row) for row in shown)
    left_out = len(table.services) - len(shown)
    more = f"<p>and {left_out} more: forestall status --all</p>" if left_out else ""
    return (
        '<section class="services"><div class="scroll"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}</section>"
    )


def _row(row: ServiceRow) -> str:
    level = LEVEL_CLASSES[row.verdict.severity]
    left = span(row.seconds_left) if row.verdict.word == "leaking" else "-"
    filled = round(100 * row.used_ratio)
    gauge = (
        '<svg class="gauge" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="g-all" width="100" height="6"/><rect class="g-used" width="{filled}" height="6"/></svg>'
    )
    name = f'<th scope="row" title="{escape(row.path or row.identity)}">{_name(row)}</th>'
    numbers = (size(row.used_bytes) + gauge, size(row.limit_bytes))
    after = (size(row.headroom_bytes), escape(rate(row.growth_bytes_per_second)), escape(left))
    cells = "".join(f"<td>{number}</td>" for number in numbers)
    cells += f'<td class="level" title="{escape(row.level)}"><span>{escape(row.level)}</span></td>'
    cells += "".join(f"<td>{number}</td>" for number in after)
    return f'<tr class="{level}">{name}{cells}<td class="verdict">{escape(verdict(row))}</td></tr>'


def _name(row: ServiceRow) -> str:
    """The row's name; where it has no room the style sheet shortens it before its end, so that both ends are read."""
    start, end = halves(label(row))
    suffix = next((one for one in UNIT_SUFFIXES if end.endswith(one)), "")
    parts = f"<i>{escape(start)}</i><i>{escape(end.removesuffix(suffix))}</i>"
    return f'<b class="name" title="{escape(label(row))}">{parts}<i class="suffix">{suffix}</i></b>'


def _charts(drawn: tuple[Drawn, ...]) -> str:
    if not drawn:
        return ""
    return f'<section class="charts">{"".join(_chart(one) for one in drawn)}</section>'


def _chart(one: Drawn) -> str:
    row = one.row
    level = LEVEL_CLASSES[row.verdict.severity]
    picture = draw(f"memory of {label(row)}", one.points, row.limit_bytes, row.trend)
    words = f"{size(row.used_bytes)} of {size(row.limit_bytes)} · {verdict(row)}"
    caption = f"<figcaption>{_name(row)}<span>{escape(words)}</span></figcaption>"
    return f'<figure class="{level}">{caption}{picture}</figure>'


def _notes(table: Table) -> str:
    if not table.notes:
        return ""
    lines = "".join(f"<li>{_note(note)}</li>" for note in table.notes)
    return f'<details class="notes"><summary>Not seen: {len(table.notes)}</summary><ul>{lines}</ul></details>'


def _note(note: Note) -> str:
    remedy = f" ({escape(note.remedy)})" if note.remedy else ""
    return f"<b>{escape(note.what)}</b> {escape(note.why)}{remedy}"
