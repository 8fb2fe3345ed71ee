"""Memory pressure of a host and of a cgroup."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.model.frame import Pressure
from forestall.parse import psi
from tests.support.samples import sample


def test_percent_become_ratios_and_microseconds_seconds() -> None:
    """Both lines of a cgroup under pressure are read."""
    assert psi.parse(sample("ubuntu-24.04-v2", "memory.pressure")) == Pressure(
        some_ratio_10s=0.1234,
        some_ratio_60s=0.056,
        some_ratio_300s=0.012,
        full_ratio_10s=0.1,
        full_ratio_60s=0.045,
        full_ratio_300s=0.009,
        some_seconds_total=98.765432,
        full_seconds_total=87.654321,
    )


def test_a_quiet_host_is_without_pressure() -> None:
    """A captured file without stalls is all ratios zero."""
    assert psi.parse(sample("linux-6.18-v1", "pressure"))[:6] == (0.0,) * 6


def test_a_ratio_is_never_above_one() -> None:
    """Averages that overshoot 100 % for a moment are the whole time."""
    text = sample("ubuntu-24.04-v2", "memory.pressure").replace(b"avg10=12.34", b"avg10=101.00")
    assert psi.parse(text).some_ratio_10s == 1.0


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        b"some avg10=nan avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        b"some avg10=-1.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    ],
)
def test_half_a_file_is_malformed(text: bytes) -> None:
    """A missing line or a broken number is not taken for no pressure."""
    with pytest.raises(Malformed):
        psi.parse(text)
