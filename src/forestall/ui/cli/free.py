"""The header of `status`: the host's memory in the rows and columns of free(1) of procps 4."""

from __future__ import annotations

from typing import NamedTuple

from forestall.query.views import HostRow
from forestall.ui.words import Unit, size


class Layout(NamedTuple):
    """Which of free's rows and columns are wanted, by its own options: -w, -l, -t, -v."""

    wide: bool = False
    low_and_high: bool = False
    total: bool = False
    committed: bool = False


TITLE_CELLS = 9
COLUMN_CELLS = 11


def header(host: HostRow, unit: Unit, layout: Layout) -> list[str]:
    """The lines of free(1), in its column widths, so that scripts that cut columns go on working."""
    cache = ["buffers", "cache"] if layout.wide else ["buff/cache"]
    lines = [_line("", ["total", "used", "free", "shared", *cache, "available"])]
    lines += [_line(title, [size(value, unit) for value in values]) for title, values in _rows(host, layout)]
    return lines


def _rows(host: HostRow, layout: Layout) -> list[tuple[str, list[int]]]:
    cache = [host.buffers_bytes, host.cache_bytes] if layout.wide else [host.buffers_bytes + host.cache_bytes]
    memory = [host.total_bytes, host.used_bytes, host.free_bytes, host.shared_bytes, *cache, host.available_bytes]
    swap = [host.swap_total_bytes, host.swap_used_bytes, host.swap_free_bytes]
    rows = [("Mem:", memory)]
    if layout.low_and_high:
        rows += [
            ("Low:", _three(host.low_total_bytes, host.low_free_bytes)),
            ("High:", _three(host.high_total_bytes, host.high_free_bytes)),
        ]
    rows.append(("Swap:", swap))
    if layout.total:
        rows.append(("Total:", [total + also for total, also in zip(memory[:3], swap, strict=True)]))
    if layout.committed:
        promised = host.committed_bytes
        rows.append(("Comm:", [host.commit_limit_bytes, promised, host.commit_limit_bytes - promised]))
    return rows


def _three(total_bytes: int, free_bytes: int) -> list[int]:
    return [total_bytes, total_bytes - free_bytes, free_bytes]


def _line(title: str, values: list[str]) -> str:
    return f"{title:<{TITLE_CELLS}}" + " ".join(f"{value:>{COLUMN_CELLS}}" for value in values)
