"""Evidence that can be read without waiting: a cgroup's files and its largest processes.

Only what cannot block on a target's mmap lock (statm, stat, cgroup files,
pressure). What takes that lock (smaps_rollup, cmdline) is the inspector's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from forestall.model.capture import MINIMAL_BYTES_MAX, Piece
from forestall.model.errors import ForestallError
from forestall.parse import procpid
from forestall.parse.text import printable
from forestall.system.cgroupfs import Cgroupfs
from forestall.system.procfs import Procfs

FILES_V1: Final = (
    "memory.usage_in_bytes",
    "memory.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.memsw.usage_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.failcnt",
    "memory.oom_control",
    "memory.kmem.usage_in_bytes",
    "memory.stat",
)
FILES_V2: Final = (
    "memory.current",
    "memory.max",
    "memory.high",
    "memory.peak",
    "memory.swap.current",
    "memory.swap.max",
    "memory.events",
    "memory.pressure",
    "memory.stat",
)
PROCESSES_READ_MAX: Final = 1000
PROCESSES_KEPT: Final = 20


def cgroup_pieces(cgroupfs: Cgroupfs, path: str) -> list[Piece]:
    """Return the cgroup's memory files as text; what this kernel lacks is left out."""
    pieces = []
    for file in FILES_V1 if cgroupfs.version == 1 else FILES_V2:
        try:
            raw = cgroupfs.read(path, file, 8192)
        except ForestallError:
            continue
        pieces.append(Piece(file, "\n".join(printable(line) for line in raw.rstrip(b"\n").split(b"\n"))))
    return pieces


def top_piece(procfs: Procfs, pids: Iterable[int], page_bytes: int) -> Piece:
    """Return the largest processes by resident size as a table: pid, resident and anonymous KiB, threads, name."""
    rows = []
    for pid in list(pids)[:PROCESSES_READ_MAX]:
        try:
            statm = procpid.statm(procfs.read(f"{pid}/statm", 128), page_bytes)
            stat = procpid.stat(procfs.read(f"{pid}/stat", 4096))
        except ForestallError:
            continue
        own = max(0, statm.resident_bytes - statm.shared_bytes)
        sizes = f"{statm.resident_bytes // 1024:>12} {own // 1024:>12}"
        rows.append((statm.resident_bytes, f"{pid:>8} {sizes} {stat.threads:>8} {stat.state} {stat.comm}"))
    rows.sort(reverse=True)
    lines = [f"{'PID':>8} {'RSS KiB':>12} {'ANON KiB':>12} {'THREADS':>8} S NAME"]
    lines += [line for _, line in rows[:PROCESSES_KEPT]]
    return Piece("top", "\n".join(lines))


def bounded(pieces: Iterable[Piece], room: int = MINIMAL_BYTES_MAX - 4096) -> tuple[Piece, ...]:
    """Return the pieces cut so that together they fit into `room` bytes; what is cut says so."""
    kept = []
    for piece in pieces:
        text = piece.text
        if len(text.encode()) > room:
            text = text.encode()[: max(0, room - 40)].decode("utf-8", "ignore") + "\n... cut: no room left"
        room -= len(text.encode()) + len(piece.name) + 32
        if room <= 0:
            break
        kept.append(Piece(piece.name, text))
    return tuple(kept)


PLUGIN = cgroup_pieces
