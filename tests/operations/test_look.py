"""One look: the agent's newest frame while it is fresh, otherwise our own eyes."""

from __future__ import annotations

from pathlib import Path

import pytest

from forestall.model.frame import Moment
from forestall.operations.look import Looker, look, recorded_now
from forestall.query import now as nows
from forestall.query.places import Places
from forestall.system.clock import Clock
from tests.support.frames import HEALTH, frame


class Judged:
    """What a tick gives."""

    findings = ()
    trends: dict[str, object] = {}  # noqa: RUF012 - never changed


def publish(directory: Path, moment: Moment, health: nows.Health | None = HEALTH) -> Places:
    """A `now` file as an agent leaves it."""
    (directory / "now").write_bytes(nows.encode(frame()._replace(moment=moment), Judged(), health))  # type: ignore[arg-type]
    return Places(str(directory), str(directory))


def test_a_fresh_frame_is_the_agents(tmp_path: Path) -> None:
    """What the agent has just written is shown as it is."""
    seen = look(publish(tmp_path, Clock().now()))
    assert seen.health == HEALTH
    assert seen.frame.readings == frame().readings


@pytest.mark.parametrize("late", ["old", "other boot", "no agent", "ahead"])
def test_any_other_is_not_believed(tmp_path: Path, late: str) -> None:
    """One that is old, of another boot, or not an agent's leads to a look of our own."""
    now = Clock().now()
    moments = {
        "old": now._replace(boottime_seconds=now.boottime_seconds - 60, wall_seconds=now.wall_seconds - 60),
        "other boot": now._replace(boot_id="x"),
        "no agent": now,
        "ahead": now._replace(boottime_seconds=now.boottime_seconds - 1e6, boot_id="y"),
    }
    places = publish(tmp_path, moments[late], None if late == "no agent" else HEALTH)
    assert recorded_now(places) is None
    assert look(places).health is None


@pytest.mark.parametrize("content", [b"", b"null", b"{", b"\xff" * 100])
def test_a_damaged_frame_is_none(tmp_path: Path, content: bytes) -> None:
    """Whatever lies there instead of a frame is as good as nothing."""
    (tmp_path / "now").write_bytes(content)
    assert recorded_now(Places(str(tmp_path), str(tmp_path))) is None


def test_our_own_eyes_see_this_host(tmp_path: Path) -> None:
    """Without an agent the host is read here and now, and a second look knows how much time has passed."""
    looker = Looker()
    first, second = looker.look(), looker.look()
    assert first.health is None
    assert 0 < first.frame.host.available_bytes < first.frame.host.total_bytes
    assert second.frame.moment.boottime_seconds > first.frame.moment.boottime_seconds
    assert any(reading.used_bytes > 0 for reading in first.frame.readings)
