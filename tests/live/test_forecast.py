"""The forecast against the truth, on the real kernel: warned a minute ahead, right within a fifth half way."""

from __future__ import annotations

import subprocess

import pytest

from tests.live import forecast

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.mark.timeout(280)
def test_a_leak_under_a_saw_tooth_is_warned_of_a_minute_ahead_and_its_end_is_known_half_way(
    leaking_pair: list[subprocess.Popen[str]],
) -> None:
    """A leak of 150 s under a saw-tooth of +-30 % of use: the limit is met where the unguarded twin meets it."""
    said = forecast.finish(leaking_pair, 250.0)
    assert said.kernel_kills == 0
    assert said.truth_seconds >= 140.0
    assert said.warned_before_seconds >= 60.0
    assert said.half_way_error_ratio <= 0.2
