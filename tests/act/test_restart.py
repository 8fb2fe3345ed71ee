"""The act `restart`: the policy's own words with the unit's name in them."""

from __future__ import annotations

import pytest

from forestall.act.restart import DEADLINE_SECONDS, PLUGIN
from forestall.model.errors import Misuse
from forestall.model.policy import Policy
from forestall.model.target import UNIT, Target

TARGET = Target(UNIT, "/system.slice/api-1.service#7", "api-1.service", "/system.slice/api-1.service")


def test_the_unit_is_filled_in() -> None:
    """The design's example restarts the unit that matched, with time for a slow stop and start."""
    policy = Policy("unit:api-*.service", restart=("systemctl", "restart", "{unit}"))
    job = PLUGIN.job(TARGET, policy, "why")
    assert job.argv == ("systemctl", "restart", "api-1.service")
    assert job.deadline_seconds == DEADLINE_SECONDS
    assert dict(job.environment)["FORESTALL_TARGET"] == "api-1.service"


def test_no_restart_command_is_the_operators_mistake() -> None:
    """A policy that restarts and does not say how is told what to write."""
    with pytest.raises(Misuse, match="systemctl"):
        PLUGIN.job(TARGET, Policy("unit:api-*.service"), "")
