"""The one table that every screen draws: host, services with the most urgent first, kills, and what was not seen.

Pure: it reads a Now (from the agent's file or from a live look) and gives rows of plain numbers; screens format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from forestall.model import target as targets
from forestall.model.errors import Misuse
from forestall.model.finding import Finding, Severity
from forestall.model.frame import Host, Note, Pressure, Reading
from forestall.model.kill import FROM_KERNEL_LOG, Kill
from forestall.model.target import Target
from forestall.model.trend import UNKNOWN, Trend
from forestall.query.now import Health, Now
from forestall.query.verdict import KILL_VERDICT_SECONDS, Verdict, confident_seconds_left, judge, used_ratio

KILL_SHOWN_SECONDS: Final = 3600.0
"""Kills older than this are history, not news."""

RISK_HALF_SECONDS: Final = 3600.0
"""A leak with an hour left is half a risk; with ten minutes 0.86, with one 0.98."""

HOST_LOW_RULE: Final = "host_low"
HOST_CLEAR_RATIO: Final = 0.105
"""Where the rule host_low begins to clear: 5 % above its level of a tenth."""

LATE_INTERVALS: Final = 3.0
"""A frame older than so many intervals means that the agent no longer writes."""


class HostRow(NamedTuple):
    """The host as free(1) counts it: used = total - available, cache = page cache + reclaimable slab; bytes."""

    total_bytes: int
    used_bytes: int
    free_bytes: int
    shared_bytes: int
    buffers_bytes: int
    cache_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_used_bytes: int
    swap_free_bytes: int
    low_total_bytes: int
    low_free_bytes: int
    high_total_bytes: int
    high_free_bytes: int
    committed_bytes: int
    commit_limit_bytes: int
    headroom_bytes: int
    load_1m: float
    pressure: Pressure | None
    oom_kills: int | None


class ServiceRow(NamedTuple):
    """One target. None = not known. `level` names the limit that decides: "own", "host" or a cgroup path.

    `growth_bytes_per_second` is None until a trend knows it; `seconds_left` with `_low` and `_high` is the forecast,
    sure or not (see `confidence_ratio`). `risk_ratio` 0..1 orders the rows.
    """

    name: str
    kind: str
    path: str
    identity: str
    used_bytes: int
    limit_bytes: int
    used_ratio: float
    level: str
    headroom_bytes: int
    swap_bytes: int
    swap_headroom_bytes: int
    growth_bytes_per_second: float | None
    seconds_left: float | None
    seconds_left_low: float | None
    seconds_left_high: float | None
    confidence_ratio: float
    verdict: Verdict
    risk_ratio: float
    pids: int | None
    peak_bytes: int | None
    near_misses: int | None
    kills: int | None
    reading: Reading
    trend: Trend | None
    findings: tuple[Finding, ...]


class KillRow(NamedTuple):
    """One recent kill and how long ago it was."""

    seconds_ago: float
    kill: Kill


class Table(NamedTuple):
    """What a screen shows. `age_seconds` is that of the frame; `late`: the agent that wrote it has stopped writing."""

    host: HostRow
    services: tuple[ServiceRow, ...]
    kills: tuple[KillRow, ...]
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...]
    health: Health | None
    age_seconds: float
    late: bool


def _left(row: ServiceRow) -> float:
    left = confident_seconds_left(row.trend)
    return float("inf") if left is None else left


SORTS: Final[dict[str, Callable[[ServiceRow], float | str]]] = {
    "risk": lambda row: -row.risk_ratio,
    "used": lambda row: -row.used_bytes,
    "limit": lambda row: row.limit_bytes,
    "headroom": lambda row: row.headroom_bytes,
    "growth": lambda row: -(row.growth_bytes_per_second or 0.0),
    "left": _left,
    "name": lambda row: row.name,
}
"""Each key of --sort, the row one looks for first: the largest use and growth, the smallest of what is left."""


def table(now: Now, sort: str = "risk", age_seconds: float = 0.0) -> Table:
    """The table of a Now that is `age_seconds` old; Misuse for a sort key that is not one of SORTS."""
    if sort not in SORTS:
        raise Misuse(f"sort key {sort!r}", "is not known", f"one of {', '.join(SORTS)}")
    kills = _recent(now, age_seconds)
    findings = _by_identity(now.findings)
    rows = [
        _service(reading, now.trends.get(reading.target.identity), findings, kills)
        for reading in now.frame.readings
        if reading.target.kind != targets.HOST
    ]
    rows.sort(key=lambda row: (SORTS[sort](row), -row.used_bytes, row.name, row.identity))
    late = now.health is not None and age_seconds > LATE_INTERVALS * now.health.interval_seconds
    host = host_row(now.frame.host)
    return Table(host, tuple(rows), kills, now.frame.notes, now.findings, now.health, age_seconds, late)


def host_service(now: Now, age_seconds: float = 0.0) -> ServiceRow:
    """The host as one more target, for those who ask for it by its name; the table has it above its rows."""
    from forestall.engine.host import host_reading  # few ask for it, and the page counts its pages

    reading = host_reading(now.frame.host, now.frame.moment)
    identity = reading.target.identity
    return _service(reading, now.trends.get(identity), _by_identity(now.findings), _recent(now, age_seconds))


def host_findings(table: Table) -> tuple[Finding, ...]:
    """What is urgent about the host itself; what only waits to be cleared contradicts the numbers and is left out."""
    low = table.host.headroom_bytes < HOST_CLEAR_RATIO * table.host.total_bytes
    return tuple(
        finding
        for finding in table.findings
        if finding.target.kind == targets.HOST
        and finding.severity > Severity.INFO
        and (low or finding.rule != HOST_LOW_RULE)
    )


def host_row(host: Host) -> HostRow:
    """The host's memory in the columns of free(1), procps 4: nothing is counted negative."""
    return HostRow(
        total_bytes=host.total_bytes,
        used_bytes=max(0, host.total_bytes - host.available_bytes),
        free_bytes=host.free_bytes,
        shared_bytes=host.shmem_bytes,
        buffers_bytes=host.buffers_bytes,
        cache_bytes=host.cached_bytes + host.slab_reclaimable_bytes,
        available_bytes=host.available_bytes,
        swap_total_bytes=host.swap_total_bytes,
        swap_used_bytes=max(0, host.swap_total_bytes - host.swap_free_bytes),
        swap_free_bytes=host.swap_free_bytes,
        low_total_bytes=host.low_total_bytes or host.total_bytes,
        low_free_bytes=host.low_free_bytes if host.low_total_bytes else host.free_bytes,
        high_total_bytes=host.total_bytes - host.low_total_bytes if host.low_total_bytes else 0,
        high_free_bytes=host.free_bytes - host.low_free_bytes if host.low_total_bytes else 0,
        committed_bytes=host.committed_bytes,
        commit_limit_bytes=host.commit_limit_bytes,
        headroom_bytes=host.headroom_bytes,
        load_1m=host.load_1m,
        pressure=host.pressure,
        oom_kills=host.oom_kills,
    )


def worst(table: Table) -> Severity:
    """How bad the worst of the services and findings is."""
    severities = [row.verdict.severity for row in table.services] + [finding.severity for finding in table.findings]
    return max(severities, default=Severity.INFO)


def below(path: str, ancestor: str) -> bool:
    """Whether the cgroup `path` is `ancestor` or lies in it; the empty path is nowhere."""
    return bool(path) and (path == ancestor or path.startswith(ancestor.rstrip("/") + "/"))


def _service(
    reading: Reading, trend: Trend | None, findings: dict[str, tuple[Finding, ...]], kills: tuple[KillRow, ...]
) -> ServiceRow:
    found = findings.get(reading.target.identity, ())
    known = trend is not None and trend.shape != UNKNOWN
    killed_seconds_ago = _killed_seconds_ago(reading, kills)
    return ServiceRow(
        name=reading.target.name,
        kind=reading.target.kind,
        path=reading.target.path,
        identity=reading.target.identity,
        used_bytes=reading.used_bytes,
        limit_bytes=reading.limit_bytes,
        used_ratio=used_ratio(reading),
        level="own" if reading.limit_own else reading.limit_level,
        headroom_bytes=reading.headroom_bytes,
        swap_bytes=reading.swap_bytes,
        swap_headroom_bytes=reading.swap_headroom_bytes,
        growth_bytes_per_second=trend.growth_bytes_per_second if trend and known else None,
        seconds_left=trend.time_to_limit_seconds if trend else None,
        seconds_left_low=trend.time_to_limit_seconds_low if trend else None,
        seconds_left_high=trend.time_to_limit_seconds_high if trend else None,
        confidence_ratio=trend.confidence_ratio if trend else 0.0,
        verdict=judge(reading, trend, found, killed_seconds_ago),
        risk_ratio=_risk_ratio(reading, trend, killed_seconds_ago),
        pids=reading.pids,
        peak_bytes=reading.peak_bytes,
        near_misses=reading.near_misses,
        kills=reading.kills,
        reading=reading,
        trend=trend,
        findings=found,
    )


def _risk_ratio(reading: Reading, trend: Trend | None, killed_seconds_ago: float | None) -> float:
    """Three risks joined as independent ones: a sure forecast, the share of the limit, a kill not long ago."""
    left = confident_seconds_left(trend)
    forecast = 0.0 if left is None else 1.0 / (1.0 + left / RISK_HALF_SECONDS)
    share = used_ratio(reading) ** 2
    fresh = killed_seconds_ago is not None and killed_seconds_ago <= KILL_VERDICT_SECONDS
    return 1.0 - (1.0 - forecast) * (1.0 - share) * (0.5 if fresh else 1.0)


def _recent(now: Now, age_seconds: float) -> tuple[KillRow, ...]:
    at = now.frame.moment.boottime_seconds
    rows = [KillRow(max(0.0, at - kill.at_boottime_seconds) + age_seconds, kill) for kill in now.frame.kills]
    news = [row for row in rows if row.seconds_ago <= KILL_SHOWN_SECONDS]
    return tuple(sorted(news, key=lambda row: row.seconds_ago))


def _killed_seconds_ago(reading: Reading, kills: tuple[KillRow, ...]) -> float | None:
    ages = (row.seconds_ago for row in kills if concerns(row.kill, reading.target))
    return next(ages, None)


def concerns(kill: Kill, target: Target) -> bool:
    """Whether a kill is news of a target: a service owns all kills below its cgroup, a slice or the root only those of
    its own limit or processes, the host those for its own lack of memory, a process tree none:
    its cgroup is not its own.
    """
    if target.kind == targets.HOST:
        return kill.source == FROM_KERNEL_LOG and kill.limit_path is None
    if not target.path or target.kind == targets.PROCESS:
        return False
    if target.path in (kill.victim_path, kill.limit_path):
        return True
    return target.kind != targets.CGROUP and below(kill.victim_path or "", target.path)


def _by_identity(findings: tuple[Finding, ...]) -> dict[str, tuple[Finding, ...]]:
    found: dict[str, tuple[Finding, ...]] = {}
    for finding in findings:
        identity = finding.target.identity
        found[identity] = (*found.get(identity, ()), finding)
    return found
