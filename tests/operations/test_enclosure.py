"""The cgroup of a run: made with its limits, measured by the kernel, removed; or clearly refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.model.errors import Denied, ForestallError
from forestall.operations.enclosure import enclose, planned_path
from tests.support.processes import python
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody
from tests.support.tree import PACKAGE

pytestmark = pytest.mark.live

MIB = 2**20


def test_it_has_its_limits_and_counts(live: str) -> None:
    """Limit and swap stand, a process that joins is counted, peak and kills come from the kernel."""
    enclosure = enclose(f"test-{os.getpid()}", 64 * MIB, 0)
    try:
        directory = Path(live + enclosure.path)
        assert (directory / "memory.limit_in_bytes").read_text(encoding="ascii") == f"{64 * MIB}\n"
        assert enclosure.inode == directory.stat().st_ino
        (joined,) = enclosure.join

        def join() -> None:
            Path(joined).write_text("0", encoding="ascii")

        subprocess.run(python("x = b'x' * (30 << 20)"), preexec_fn=join, check=True)
        subprocess.run(python("x = b'x' * (90 << 20)"), preexec_fn=join, check=False)
        counters = enclosure.counters()
        assert counters.peak_bytes is not None
        assert 30 * MIB < counters.peak_bytes <= 64 * MIB
        assert counters.kills == 1
    finally:
        assert enclosure.remove()
    assert not directory.exists()
    with pytest.raises(ForestallError):
        enclosure.counters()


def test_one_that_exists_is_not_taken_over(live: str) -> None:
    """A name that is taken raises and leaves the other's cgroup as it is."""
    first = enclose(f"test-{os.getpid()}", 64 * MIB, None)
    try:
        with pytest.raises(ForestallError):
            enclose(f"test-{os.getpid()}", 32 * MIB, None)
        assert Path(live + first.path).is_dir()
    finally:
        first.remove()


def test_a_limit_that_the_kernel_refuses_leaves_nothing(live: str) -> None:
    """The cgroup goes again when its limit cannot be set."""
    with pytest.raises(ForestallError):
        enclose(f"test-{os.getpid()}", -5 * MIB, None)
    assert not Path(live + planned_path(f"test-{os.getpid()}")).exists()


def test_without_root_it_is_denied(live: str) -> None:
    """Who may not make a cgroup is told so, in a child that has given up root."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgid(65534)
            os.setuid(65534)
            enclose("test-nobody", 64 * MIB, None)
        except Denied:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_who_may_not_make_one_is_told_what_it_takes(live: str) -> None:
    """An ordinary user reads that root is needed, not the path of a cgroup that never was."""

    def refused() -> None:
        with pytest.raises(Denied, match=r"^a cgroup of its own: needs root, and a cgroup mount that may be written$"):
            enclose(f"test-{os.getpid()}", 64 * MIB, None)

    as_nobody(refused)


def test_inside_a_limited_cgroup_it_stays_inside(live: str, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Whoever is limited cannot get away from that limit by `run`: the new cgroup is made within the limited one."""
    outer = scratch_cgroup(128 * MIB)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from forestall.operations.enclosure import enclose\n"
        "made = enclose('inner', 256 << 20, None); print(made.path); made.remove()"
    )
    words = ["sh", "-c", f'echo 0 >{outer.directory}/cgroup.procs; exec "$@"', "sh", *python(code, str(PACKAGE.parent))]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == f"{outer.path}/forestall-run-inner"
