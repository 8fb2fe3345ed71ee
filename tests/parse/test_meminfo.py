"""/proc/meminfo."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse import meminfo
from tests.support.samples import sample


def test_sizes_are_bytes_and_counts_are_counts() -> None:
    """A captured file is read whole: kB times 1024, HugePages_Total as it stands."""
    found = meminfo.parse(sample("linux-6.18-v1", "meminfo"))
    assert found["MemTotal"] == 24684084 * 1024
    assert found["Active(anon)"] > 0
    assert found["HugePages_Total"] == 0
    assert len(found) == 54


@pytest.mark.parametrize("text", [b"", b"garbage", b"MemFree: 1 kB\n", b"MemTotal: many kB\nMemFree: 1 kB\n"])
def test_a_file_without_the_total_is_malformed(text: bytes) -> None:
    """Without MemTotal nothing else can be judged."""
    with pytest.raises(Malformed):
        meminfo.parse(text)
