"""/proc under a root of the test's choice, and the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forestall.model.errors import Absent
from forestall.system.procfs import Procfs


def test_names_are_below_the_root(tmp_path: Path) -> None:
    """A captured /proc is read like the real one; only numbers are pids."""
    for name in ("812", "99", "self", "sys", "8x"):
        (tmp_path / name).mkdir()
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\n")
    procfs = Procfs(str(tmp_path))
    assert procfs.read("meminfo", 8) == b"MemTotal"
    assert sorted(procfs.pids()) == [99, 812]
    assert (procfs.exists("meminfo"), procfs.exists("vmstat")) == (True, False)
    kept = procfs.keep("meminfo")
    assert kept.read() == b"MemTotal: 1 kB\n"
    kept.close()


def test_the_real_one_lists_this_process() -> None:
    """This process is among the pids, and a process that is not there is Absent."""
    procfs = Procfs()
    assert os.getpid() in procfs.pids()
    with pytest.raises(Absent):
        procfs.read("4194305/stat")
