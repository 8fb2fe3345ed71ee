"""The real kernel log, with lines that the test itself writes into it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from forestall.model.errors import Absent, Denied
from forestall.system.kmsg import KernelLog
from tests.support.stores import as_nobody


def write(line: str) -> None:
    """Put a line into the kernel log; without its newline it could still be continued and would not be shown yet."""
    Path("/dev/kmsg").write_text(line + "\n")


@pytest.mark.live
def test_only_what_comes_after_is_read_when_asked_so(live: str) -> None:
    """From the end: the new record and no old one; from the start: both; a drain never waits."""
    mark = secrets.token_hex(8)
    write(f"forestall-test old {mark}")
    log = KernelLog(from_start=False)
    assert log.drain() == []
    write(f"forestall-test new {mark}")
    mine = [record for record in log.drain() if mark.encode() in record]
    assert len(mine) == 1
    assert b"new" in mine[0]
    log.close()
    whole = KernelLog(from_start=True)
    assert sum(mark.encode() in record for record in whole.drain()) == 2
    whole.close()


def test_a_missing_log_is_absent(tmp_path: Path) -> None:
    """Where there is no /dev/kmsg (a container) it is Absent."""
    with pytest.raises(Absent):
        KernelLog(str(tmp_path / "kmsg"), from_start=True)


@pytest.mark.live
def test_a_log_that_may_not_be_read_is_denied(live: str, tmp_path: Path) -> None:
    """Without the right to open it, it is Denied."""
    node = tmp_path / "kmsg"
    os.mknod(node, 0o20600, os.makedev(1, 11))
    tmp_path.chmod(0o755)
    for above in list(tmp_path.parents)[:2]:
        above.chmod(0o755)

    def attempt() -> None:
        with pytest.raises(Denied):
            KernelLog(str(node), from_start=True)

    as_nobody(attempt)
