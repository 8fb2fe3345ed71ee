"""/proc/PID/smaps_rollup."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse import smaps
from tests.support.samples import sample


def test_the_sum_over_mappings_is_read() -> None:
    """The address line is no key, everything else is bytes."""
    found = smaps.rollup(sample("linux-6.18-v1", "pid.smaps_rollup"))
    assert found["Rss"] >= found["Pss"] > 0
    assert {"Private_Dirty", "Swap", "Locked", "Pss_Anon"} <= found.keys()
    assert len(found) == 22


def test_a_process_without_memory_is_malformed() -> None:
    """A kernel thread's empty file is not a process that uses nothing."""
    with pytest.raises(Malformed):
        smaps.rollup(b"")
