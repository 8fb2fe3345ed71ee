"""The host as this kernel tells it, and captured, cut or missing files."""

from __future__ import annotations

from pathlib import Path

import pytest

from forestall.collect.host import HostCollector
from forestall.model.errors import Absent, Malformed
from forestall.system.procfs import Procfs
from tests.support.samples import SAMPLES

KIB = 1024
HOST = SAMPLES / "linux-6.18-v1"


def captured(root: Path, **replaced: bytes) -> Procfs:
    """A /proc made of captured files, some of them replaced."""
    (root / "pressure").mkdir()
    for name, source in (("meminfo", "meminfo"), ("vmstat", "vmstat"), ("loadavg", "loadavg"), ("stat", "stat")):
        (root / name).write_bytes(replaced.get(name, (HOST / source).read_bytes()))
    (root / "pressure" / "memory").write_bytes(replaced.get("pressure", (HOST / "pressure").read_bytes()))
    return Procfs(str(root))


def kib(path: Path, key: str) -> int:
    """One size out of a meminfo file, bytes."""
    line = next(line for line in path.read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) * KIB


def test_the_real_host_is_what_the_kernel_says() -> None:
    """Total memory is exactly /proc/meminfo's, what is available lies between nothing and all of it."""
    host = HostCollector(Procfs()).collect()
    assert host.total_bytes == kib(Path("/proc/meminfo"), "MemTotal")
    assert 0 < host.available_bytes <= host.total_bytes
    assert host.headroom_bytes == host.available_bytes + host.swap_free_bytes
    assert host.running_processes >= 1


def test_a_captured_host_is_read_in_full(tmp_path: Path) -> None:
    """Every size comes from its own line, counters from vmstat, loads and pressure from theirs."""
    collector = HostCollector(captured(tmp_path))
    host = collector.collect()
    for key, value in (
        ("MemTotal", host.total_bytes),
        ("MemFree", host.free_bytes),
        ("MemAvailable", host.available_bytes),
        ("Shmem", host.shmem_bytes),
        ("SReclaimable", host.slab_reclaimable_bytes),
        ("Committed_AS", host.committed_bytes),
    ):
        assert value == kib(HOST / "meminfo", key)
    counters = dict(line.split() for line in (HOST / "vmstat").read_text().splitlines())
    assert host.oom_kills == int(counters["oom_kill"])
    assert host.major_faults == int(counters["pgmajfault"])
    assert host.alloc_stalls == sum(int(value) for key, value in counters.items() if key.startswith("allocstall"))
    assert host.load_1m == float((HOST / "loadavg").read_text().split()[0])
    assert host.pressure is not None
    assert collector.notes == []


def test_a_glance_has_todays_memory_and_the_last_looks_rest(tmp_path: Path) -> None:
    """Only memory and pressure are read again; without a look before, a glance is one."""
    collector = HostCollector(captured(tmp_path))
    first = collector.glance()
    assert first == collector.collect()
    text = (HOST / "meminfo").read_text()
    available = next(line for line in text.splitlines() if line.startswith("MemAvailable"))
    (tmp_path / "meminfo").write_text(text.replace(available, "MemAvailable: 5 kB"))
    (tmp_path / "loadavg").write_text("9.00 9.00 9.00 1/100 5\n")
    glance = collector.glance()
    assert glance == first._replace(available_bytes=5 * KIB)


def test_vmstat_longer_than_a_page_is_read_to_its_end(tmp_path: Path) -> None:
    """A line beyond the first page counts: the kernel gives such lists a page at a time."""
    padding = b"".join(b"nr_padding_%04d 0\n" % number for number in range(600))
    host = HostCollector(captured(tmp_path, vmstat=padding + b"oom_kill 7\n")).collect()
    assert host.oom_kills == 7


@pytest.mark.parametrize("kept_lines", [0, 1])
def test_half_a_meminfo_is_refused(tmp_path: Path, kept_lines: int) -> None:
    """What is missing must not read as no memory left."""
    cut = b"".join((HOST / "meminfo").read_bytes().splitlines(keepends=True)[:kept_lines])
    collector = HostCollector(captured(tmp_path, meminfo=cut))
    with pytest.raises(Malformed):
        collector.collect()


def test_a_meminfo_that_is_cut_later_is_refused_in_a_glance(tmp_path: Path) -> None:
    """A glance refuses half a file as a look does."""
    collector = HostCollector(captured(tmp_path))
    collector.collect()
    (tmp_path / "meminfo").write_bytes(b"MemTotal:       24684084 kB\nMemF")
    with pytest.raises(Malformed):
        collector.glance()


def test_a_kernel_without_memavailable_has_free_memory_for_it(tmp_path: Path) -> None:
    """Before Linux 3.14 there is no MemAvailable: what is free is surely available."""
    host = HostCollector(captured(tmp_path, meminfo=b"MemTotal: 100 kB\nMemFree: 40 kB\n")).collect()
    assert host.available_bytes == 40 * KIB


def test_a_kernel_without_pressure_is_a_note(tmp_path: Path) -> None:
    """No PSI: no figures, one note with the remedy; cut figures are no figures either."""
    procfs = captured(tmp_path)
    (tmp_path / "pressure" / "memory").write_bytes(b"some avg1")
    assert HostCollector(procfs).collect().pressure is None
    (tmp_path / "pressure" / "memory").unlink()
    collector = HostCollector(procfs)
    assert collector.collect().pressure is None
    (note,) = collector.notes
    assert "psi=1" in note.remedy


def test_without_proc_there_is_nothing(tmp_path: Path) -> None:
    """No /proc at all is Absent."""
    with pytest.raises(Absent):
        HostCollector(Procfs(str(tmp_path)))
