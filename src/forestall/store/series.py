"""The metrics that history knows, and how each comes out of a frame's tables.

The host is a target like the others: its use is what is not available (MemTotal - MemAvailable, proc(5)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from forestall.model.target import HOST, Target
from forestall.store.columns import Table
from forestall.store.frames import Coded, scaled

Choice = Callable[[Target], bool]
"""Says whether a target is the one that is asked for."""

HOST_TARGET: Final = Target(HOST, HOST, HOST)


class Metric(NamedTuple):
    """One metric: its unit, and the columns it is made of in the readings table and in the host table (added up)."""

    name: str
    unit: str
    columns: tuple[str, ...]
    host_plus: tuple[str, ...]
    host_minus: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Steps per unit at which the coarser tiers keep it: a byte, or a ten-thousandth of a share."""
        return 10_000 if self.unit == "ratio" else 1


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("used", "bytes", ("used_bytes",), ("total_bytes",), ("available_bytes",)),
        # a frame keeps of a limit only what used + headroom does not say (store/frames.py)
        Metric("limit", "bytes", ("limit_bytes", "used_bytes", "headroom_bytes"), ("total_bytes", "swap_free_bytes")),
        Metric("headroom", "bytes", ("headroom_bytes",), ("available_bytes", "swap_free_bytes")),
        Metric("usage", "bytes", ("usage_bytes",), ("total_bytes",), ("free_bytes",)),
        Metric("swap", "bytes", ("swap_bytes",), ("swap_total_bytes",), ("swap_free_bytes",)),
        Metric("anon", "bytes", ("anon_bytes",), ("anon_bytes",)),
        Metric("file", "bytes", ("file_bytes",), ("cached_bytes", "buffers_bytes")),
        Metric("shmem", "bytes", ("shmem_bytes",), ("shmem_bytes",)),
        Metric("pids", "count", ("pids",), ()),
        Metric("cpu", "seconds", ("cpu_seconds",), ()),
        Metric("pressure", "ratio", ("pressure.some_ratio_10s",), ("pressure.some_ratio_10s",)),
    )
}
"""`used + headroom` is the limit of a service; of the host it is what is installed plus the swap that is free."""

LONG_METRICS: Final = ("used", "limit", "headroom", "swap", "pids", "pressure")
"""What is kept after the raw frames are gone."""


class Point(NamedTuple):
    """One point of a series: the lowest, highest and last value over its step, which begins at `wall_seconds`."""

    wall_seconds: float
    low: float
    high: float
    last: float


def columns(metrics: tuple[str, ...]) -> frozenset[str]:
    """Columns of all tables that these metrics and the time need."""
    needed = {"wall_seconds", "boottime_seconds"}
    for name in metrics:
        metric = METRICS[name]
        needed.update(metric.columns, metric.host_plus, metric.host_minus)
    return frozenset(needed)


def wall_seconds(coded: Coded) -> float:
    """When a frame was taken."""
    return scaled("wall_seconds", coded.host.columns["wall_seconds"][0]) or 0.0


def targets(coded: Coded) -> list[Target]:
    """The targets of a frame in row order, without the host."""
    return [Target(*texts[:4]) for texts in coded.readings.texts]


def chosen(coded: Coded, choice: Choice, metrics: tuple[str, ...]) -> tuple[Target | None, dict[str, float]]:
    """The first target of a frame that `choice` takes, with those metrics of it that are known; the host comes last."""
    for row, target in enumerate(targets(coded)):
        if choice(target):
            return target, _known({name: _sum(METRICS[name].columns, coded.readings, row) for name in metrics})
    if choice(HOST_TARGET):
        return HOST_TARGET, _known({name: _of_host(METRICS[name], coded.host) for name in metrics})
    return None, {}


def everyone(coded: Coded, metric: str) -> Iterator[tuple[Target, float]]:
    """Every target of a frame, the host too, with one metric of it where that is known."""
    columns_used = METRICS[metric].columns
    for row, target in enumerate(targets(coded)):
        number = _sum(columns_used, coded.readings, row)
        if number is not None:
            yield target, number
    of_host = _of_host(METRICS[metric], coded.host)
    if of_host is not None:
        yield HOST_TARGET, of_host


def _known(numbers: Mapping[str, float | None]) -> dict[str, float]:
    return {name: number for name, number in numbers.items() if number is not None}


def _of_host(metric: Metric, table: Table) -> float | None:
    plus, minus = _sum(metric.host_plus, table, 0), _sum(metric.host_minus, table, 0)
    return None if plus is None else plus - (minus or 0.0)


def _sum(names: tuple[str, ...], table: Table, row: int) -> float | None:
    values = [scaled(name, table.columns[name][row]) for name in names]
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None
