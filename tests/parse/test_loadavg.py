"""/proc/loadavg."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse import loadavg
from tests.support.samples import sample


def test_the_three_averages_are_read() -> None:
    """One, five and fifteen minutes, in this order."""
    assert loadavg.parse(b"0.07 12.02 123.00 3/96 5130\n") == loadavg.Load(0.07, 12.02, 123.0)
    assert all(average >= 0 for average in loadavg.parse(sample("linux-6.18-v1", "loadavg")))


@pytest.mark.parametrize(
    "text", [b"", b"0.07 0.02", b"nan 0.02 0.00 3/96 1", b"-1.00 0.02 0.00 3/96 1", b"0.07 0.02 0.00x"]
)
def test_anything_else_is_malformed(text: bytes) -> None:
    """A line cut short or with other words is refused."""
    with pytest.raises(Malformed):
        loadavg.parse(text)
