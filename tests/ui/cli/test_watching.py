"""The screens' eyes see the agent's frame where there is one, else this machine."""

from __future__ import annotations

from pathlib import Path

from forestall.engine.tick import Ticked
from forestall.query import now as nows
from forestall.query.freshness import moment
from forestall.query.places import Places
from forestall.ui.cli.watching import Eyes, live
from tests.support import frames


def test_without_an_agent_this_machine_is_looked_at(tmp_path: Path) -> None:
    """The look has this machine's memory and no health, for there is no agent behind it."""
    seen = live(str(tmp_path)).look()
    with open("/proc/meminfo", encoding="utf-8") as file:
        total_kib = int(file.readline().split()[1])
    assert seen.health is None
    assert seen.frame.host.total_bytes == total_kib * 1024


def test_an_agents_frame_is_taken_while_it_is_fresh(tmp_path: Path) -> None:
    """A `now` file of this moment is what is seen, whatever this machine does."""
    frame = frames.frame(frames.reading("api.service"))._replace(moment=moment())
    (tmp_path / "now").write_bytes(nows.encode(frame, Ticked((), {}), frames.HEALTH))
    eyes = Eyes(Places(str(tmp_path), str(tmp_path)))
    assert eyes.look() == nows.Now(frame, (), {}, frames.HEALTH)


def test_a_stale_or_damaged_frame_is_not_believed(tmp_path: Path) -> None:
    """A frame of another boot, or bytes that are none, lead to a look of one's own."""
    eyes = Eyes(Places(str(tmp_path), str(tmp_path)))
    for raw in (nows.encode(frames.frame(), Ticked((), {}), frames.HEALTH), b"{"):
        (tmp_path / "now").write_bytes(raw)
        assert eyes.look().health is None
