"""The thread on the real kernel: leaks stopped in time, calm services untouched, kills seen and attributed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.live import programs
from tests.live.field import Agent, Player, field_of
from tests.live.matrix import CALM, LEAKS, play

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.mark.timeout(180)
def test_leaks_are_stopped_before_the_kernel_acts_and_calm_services_are_never_touched(
    live: str, tmp_path: Path
) -> None:
    """Three of each, side by side, under the design's example policy: no kernel kill, no needless stop."""
    played = play(live, tmp_path, each=3)
    leaks = [one for one in played if one.name.partition("-")[0] in LEAKS]
    calm = [one for one in played if one.name.partition("-")[0] in CALM]
    assert [one for one in leaks if not one.stopped_in_time] == []
    assert [one for one in calm if not one.untouched] == []


@pytest.mark.timeout(60)
def test_without_a_policy_the_kernel_kills_and_status_says_so_within_two_seconds(live: str, tmp_path: Path) -> None:
    """The kill is attributed to the right cgroup and process (deadline 2 s, tested with slack of five)."""
    with field_of(live) as field, Agent(tmp_path, '[agent]\ninterval = "10s"\n') as agent:
        player = Player(field, "doomed", 64, programs.command("leak", 64.0))
        agent.wait_for(lambda: player.kernel_kills() >= 1, 20.0, "kernel kill")
        killed = time.monotonic()
        while not (found := [one for one in kills(agent) if one["victim_path"] == player.target]):
            assert time.monotonic() - killed < 10.0, "status does not show the kill"
        assert found[0]["pid"] == player.process.pid
        assert found[0]["limit_path"] == player.target
        assert player.wait(5.0) == -9


def kills(agent: Agent) -> list[dict[str, object]]:
    """The kills that `forestall status --json` shows."""
    return [row["kill"] for row in agent.status()["kills"]]
