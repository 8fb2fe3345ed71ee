"""Locking what is touched and giving the heap back, in children, so that the test runner stays as it is."""

from __future__ import annotations

import ctypes
import mmap
import resource
from pathlib import Path

import pytest

from forestall.model.errors import Denied
from forestall.system.memory import lock_touched_pages, trim_heap
from tests.support.stores import as_nobody
from tests.support.worker import MIB, in_child


def status_kib(key: str) -> int:
    """One size of this process out of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


@pytest.mark.live
def test_only_touched_pages_become_resident(live: str) -> None:
    """With everything locked, 64 MiB that nobody has touched cost no memory, and what is touched stays locked."""

    def lock() -> None:
        lock_touched_pages()
        before = status_kib("VmRSS")
        untouched = mmap.mmap(-1, 64 * MIB)
        assert status_kib("VmLck") > 64 * 1024
        assert status_kib("VmRSS") - before < 8 * 1024
        untouched.close()

    in_child(lock)


@pytest.mark.live
def test_without_the_right_the_capability_is_named(live: str) -> None:
    """Nobody, with no allowance of locked memory, is told what would help."""

    def attempt() -> None:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
        with pytest.raises(Denied, match="CAP_IPC_LOCK"):
            lock_touched_pages()

    as_nobody(attempt)


def test_freed_heap_goes_back_to_the_kernel() -> None:
    """Memory freed below a block still in use stays with the process until the heap is trimmed."""

    def work() -> None:
        library = ctypes.CDLL(None)
        library.malloc.restype = ctypes.c_void_p
        library.free.argtypes = [ctypes.c_void_p]
        blocks = [library.malloc(4096) for _ in range(8192)]
        for block in blocks:
            ctypes.memset(block, 1, 4096)
        for block in blocks[:-1]:
            library.free(block)
        before = status_kib("VmRSS")
        trim_heap()
        assert before - status_kib("VmRSS") > 16 * 1024

    in_child(work)
