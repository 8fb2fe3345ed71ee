"""/proc/stat."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse import procstat
from tests.support.samples import sample


def test_tasks_and_boot_time_are_read() -> None:
    """The three lines are found behind the long ones."""
    found = procstat.parse(sample("linux-6.18-v1", "stat"))
    assert found.boot_wall_seconds == 1795481006
    assert found.running >= 1
    assert found.blocked == 0


@pytest.mark.parametrize("missing", [b"procs_running", b"procs_blocked", b"btime"])
def test_a_missing_line_is_malformed(missing: bytes) -> None:
    """Each of the three is needed."""
    with pytest.raises(Malformed, match="procs_running, procs_blocked or btime"):
        procstat.parse(sample("linux-6.18-v1", "stat").replace(missing, b"other"))
