"""Memory cgroups in the form of v2 (Documentation/admin-guide/cgroup-v2.rst), as plain directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from forestall.collect.cgroup import CgroupCollector
from forestall.model.frame import Reading
from forestall.model.level import HOST_LEVEL, Level
from forestall.model.target import UNIT
from forestall.system.cgroupfs import Cgroupfs

HOST = Level(HOST_LEVEL, 1 << 40, 0, 1 << 40, 0)


def v2(directory: Path, **files: str) -> None:
    """A cgroup of v2 in a plain directory; `memory_max` is memory.max."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("_", ".", 2 if name.startswith("memory_swap") else 1)).write_text(text + "\n")


def v2_look(root: Path, path: str, host_swap_bytes: int) -> Reading:
    """One look at a cgroup in the form of v2."""
    collector = CgroupCollector(Cgroupfs(str(root), 2))
    collector.begin(HOST._replace(swap_headroom_bytes=host_swap_bytes))
    reading = collector.read(path)
    assert reading is not None
    collector.forget_all_but(set())
    return reading


STAT = (
    "anon 300\nfile 500\nkernel 40\nsock 7\nshmem 100\nfile_dirty 20\nfile_writeback 10\n"
    "inactive_file 250\nactive_file 150\n"
)
PRESSURE = "some avg10=1.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1"


def test_v2_is_read_with_all_it_tells(tmp_path: Path) -> None:
    """Reclaimable are clean file pages and slab; events, peak, processor time, pids, pressure come from its files."""
    v2(
        tmp_path / "api.service",
        memory_current="1000",
        memory_stat=STAT + "slab_reclaimable 30",
        memory_max="2000",
        memory_peak="1500",
        memory_swap_current="50",
        memory_swap_max="150",
        memory_events="low 0\nhigh 0\nmax 4\noom 1\noom_kill 1",
        cpu_stat="usage_usec 2500000\nuser_usec 1",
        pids_current="3",
        memory_pressure=PRESSURE,
    )
    reading = v2_look(tmp_path, "/api.service", 1000)
    assert (reading.target.kind, reading.target.name) == (UNIT, "api.service")
    assert reading.usage_bytes == 1000
    assert reading.used_bytes == 1000 - (250 + 150 - 20 - 10 + 30) + 50
    assert reading.headroom_bytes == 2000 - 600 + 100
    assert reading.swap_headroom_bytes == 100
    assert (reading.near_misses, reading.kills, reading.peak_bytes, reading.pids) == (4, 1, 1500, 3)
    assert (reading.anon_bytes, reading.file_bytes, reading.shmem_bytes) == (300, 400, 100)
    assert (reading.kernel_bytes, reading.sock_bytes, reading.cpu_seconds) == (40, 7, 2.5)
    assert reading.pressure is not None and reading.pressure.some_ratio_10s == pytest.approx(0.01)


def test_v2_swap_is_what_every_ancestor_allows(tmp_path: Path) -> None:
    """A slice that forbids swap forbids it for the services in it, whatever they say themselves."""
    v2(
        tmp_path / "a.slice",
        memory_current="1000",
        memory_stat=STAT,
        memory_max="max",
        memory_swap_max="0",
        memory_swap_current="0",
    )
    v2(
        tmp_path / "a.slice" / "x.service",
        memory_current="500",
        memory_stat=STAT,
        memory_max="800",
        memory_swap_max="max",
        memory_swap_current="0",
    )
    assert v2_look(tmp_path, "/a.slice/x.service", 4000).swap_headroom_bytes == 0


def test_an_older_kernel_tells_less(tmp_path: Path) -> None:
    """Without swap, peak, events and pressure files these are unknown, not zero, and the rest is there."""
    v2(tmp_path / "x.service", memory_current="700", memory_stat=STAT, memory_max="max")
    reading = v2_look(tmp_path, "/x.service", 0)
    unknown = (reading.peak_bytes, reading.near_misses, reading.kills, reading.pids, reading.cpu_seconds)
    assert unknown == (None,) * 5
    assert (reading.own_limit_bytes, reading.limit_level, reading.pressure) == (None, HOST_LEVEL, None)


@pytest.mark.parametrize("text", ["", "garbage", "12 13", "-5"])
def test_a_file_that_does_not_parse_is_a_note(tmp_path: Path, text: str) -> None:
    """A cgroup whose usage is no number is not shown, the next is, and a note says so."""
    v2(tmp_path / "bad.service", memory_current=text, memory_stat=STAT)
    v2(tmp_path / "good.service", memory_current="700", memory_stat=STAT)
    collector = CgroupCollector(Cgroupfs(str(tmp_path), 2))
    collector.begin(HOST)
    assert collector.read("/bad.service") is None
    assert collector.read("/good.service") is not None
    assert [note.what for note in collector.notes] == ["some cgroups"]
    collector.forget_all_but(set())


def test_rows_are_services_and_what_has_a_limit(tmp_path: Path) -> None:
    """A unit is a row, a plain cgroup only with a limit of its own."""
    v2(tmp_path / "x.service", memory_current="1", memory_stat=STAT, memory_max="max")
    v2(tmp_path / "plain", memory_current="1", memory_stat=STAT, memory_max="max")
    v2(tmp_path / "limited", memory_current="1", memory_stat=STAT, memory_max="4096")
    collector = CgroupCollector(Cgroupfs(str(tmp_path), 2))
    collector.begin(HOST)
    rows = [path for path in ("/x.service", "/plain", "/limited", "/gone.service") if collector.is_service(path)]
    assert rows == ["/x.service", "/limited"]
    assert collector.has_own_limit("/limited")
    collector.forget_all_but(set())
