"""All that is known of one target, for `status TARGET`: each number with where it comes from."""

from __future__ import annotations

from forestall.model.finding import Evidence, Severity
from forestall.model.frame import Pressure
from forestall.model.target import HOST
from forestall.model.trend import CONFIDENT_RATIO
from forestall.query.views import ServiceRow, Table, concerns
from forestall.ui.cli.table import paint
from forestall.ui.words import MISSING, Unit, kill_line, label, rate, share, size, span, verdict

LABEL_CELLS = 14


def detail(row: ServiceRow, table: Table, unit: Unit, colour: bool) -> list[str]:
    """The target's lines, its verdict first."""
    verdict_line = paint(f"{label(row)}: {verdict(row)}", row.verdict.severity, colour)
    lines = [verdict_line, *map(_labelled, _facts(row, unit))]
    lines += [f"{'finding':<{LABEL_CELLS}}{paint(text, severity, colour)}" for text, severity in _findings(row, unit)]
    lines += [kill_line(kill) for kill in table.kills if concerns(kill.kill, row.reading.target)]
    return lines


def _facts(row: ServiceRow, unit: Unit) -> list[tuple[str, str]]:
    reading = row.reading
    return [
        ("kind", row.kind),
        ("cgroup", row.path or MISSING),
        ("identity", row.identity),
        ("used", f"{size(row.used_bytes, unit)}, {share(row.used_ratio)} of the limit; cannot be reclaimed"),
        ("usage", f"{size(reading.usage_bytes, unit)} with page cache, as the kernel counts it"),
        ("limit", f"{size(row.limit_bytes, unit)} = used + headroom, decided by {_level(row, unit)}"),
        ("own limit", size(reading.own_limit_bytes, unit) if reading.own_limit_bytes is not None else "none"),
        ("headroom", f"{size(row.headroom_bytes, unit)}, of it swap {size(row.swap_headroom_bytes, unit)}"),
        ("swapped out", size(row.swap_bytes, unit)),
        ("made of", _parts(row, unit)),
        ("peak", size(row.peak_bytes, unit)),
        ("near misses", _count(row.near_misses)),
        ("kernel kills", _count(row.kills)),
        ("processes", _count(row.pids)),
        ("stalled", _pressure(reading.pressure)),
        ("growth", _growth(row)),
        ("time left", _left(row)),
        ("risk", share(row.risk_ratio)),
    ]


def _labelled(fact: tuple[str, str]) -> str:
    return f"{fact[0]:<{LABEL_CELLS}}{fact[1]}"


def _level(row: ServiceRow, unit: Unit) -> str:
    reading = row.reading
    if row.kind == HOST:
        return "MemAvailable + SwapFree"
    if reading.limit_own:
        return "its own cgroup"
    return f"{reading.limit_level} (in use there: {size(reading.level_used_bytes, unit)})"


def _parts(row: ServiceRow, unit: Unit) -> str:
    reading = row.reading
    parts = (
        ("anon", reading.anon_bytes),
        ("file", reading.file_bytes),
        ("shmem", reading.shmem_bytes),
        ("kernel", reading.kernel_bytes),
        ("sock", reading.sock_bytes),
    )
    return ", ".join(f"{name} {size(part, unit)}" for name, part in parts if part is not None) or MISSING


def _count(value: int | None) -> str:
    return MISSING if value is None else str(value)


def _pressure(pressure: Pressure | None) -> str:
    if pressure is None:
        return "not known (no pressure file for this target)"
    return f"{share(pressure.some_ratio_10s)} of the last 10 s, {share(pressure.some_ratio_60s)} of the last minute"


def _growth(row: ServiceRow) -> str:
    trend = row.trend
    if trend is None or row.growth_bytes_per_second is None:
        return "not known yet"
    return (
        f"{rate(row.growth_bytes_per_second)}, {trend.shape} for {span(trend.lasted_seconds)} "
        f"({trend.samples} samples, scale {span(trend.scale_seconds)})"
    )


def _left(row: ServiceRow) -> str:
    if row.seconds_left is None:
        return "not known yet" if row.growth_bytes_per_second is None else "not growing towards the limit"
    sure = "confident" if row.confidence_ratio >= CONFIDENT_RATIO else "not sure"
    interval = f"{span(row.seconds_left_low)} to {span(row.seconds_left_high)}"
    return f"{span(row.seconds_left)} ({interval}), {sure}: {share(row.confidence_ratio)}"


def _findings(row: ServiceRow, unit: Unit) -> list[tuple[str, Severity]]:
    return [
        (f"{finding.summary}{_evidence(finding.evidence, unit)} [{finding.rule}]", finding.severity)
        for finding in row.findings
    ]


def _evidence(evidence: tuple[Evidence, ...], unit: Unit) -> str:
    if not evidence:
        return ""
    return " (" + ", ".join(f"{one.name} {_value(one, unit)} from {one.signal}" for one in evidence) + ")"


def _value(one: Evidence, unit: Unit) -> str:
    if one.unit == "bytes":
        return size(int(one.value), unit)
    if one.unit == "seconds":
        return span(one.value)
    if one.unit == "ratio":
        return share(one.value)
    return f"{one.value:g}"
