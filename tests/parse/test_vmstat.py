"""/proc/vmstat."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse import vmstat
from tests.support.samples import sample


def test_every_counter_is_there() -> None:
    """A captured file is read whole, the kill counter included."""
    text = sample("linux-6.18-v1", "vmstat")
    found = vmstat.parse(text)
    assert len(found) == text.count(b"\n")
    assert found["oom_kill"] >= 3
    assert {"pswpin", "pswpout", "pgscan_kswapd", "pgscan_direct", "pgsteal_kswapd", "pgmajfault"} <= found.keys()


def test_garbage_is_malformed() -> None:
    """A file without a single counter is not taken for a quiet host."""
    with pytest.raises(Malformed, match="vmstat"):
        vmstat.parse(b"\x00\xff")
