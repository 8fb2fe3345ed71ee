"""The demonstration: the same leak with and without us, by the kernel's own counters. The story is in ui/cli."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from forestall.model.errors import Absent
from forestall.operations.demo import AFTER_RESTART_SECONDS, LEAK_BYTES_PER_SECOND, MEMORY_BYTES, Play, demo, leaker
from forestall.query.places import Places
from tests.support.processes import started
from tests.support.stores import as_nobody


class Owner:
    """Stands for the run: it is only asked to end."""

    def __init__(self) -> None:
        self.ended = 0

    def end(self) -> None:
        """Count."""
        self.ended += 1


def test_it_ends_a_few_seconds_after_the_restart() -> None:
    """Before the restart nothing ends it; after it, once, when the new instance has been shown for a while."""
    heard: list[dict[str, Any]] = []
    play, owner = Play(heard.append), Owner()
    play.owner = owner  # type: ignore[assignment]
    play.hear({"k": "stand", "at": 100.0})
    play.hear({"k": "again"})
    for at in (200.0, 200.0 + AFTER_RESTART_SECONDS - 0.1):
        play.hear({"k": "stand", "at": at})
    assert owner.ended == 0
    for at in (200.0 + AFTER_RESTART_SECONDS, 210.0):
        play.hear({"k": "stand", "at": at})
    assert owner.ended == 1
    assert len(heard) == 6


def test_the_leaker_leaks_at_its_rate_and_leaves_on_term() -> None:
    """12 MiB/s in a limit of 256 MiB is about twenty seconds; it needs 0.3 s to leave and ends well."""
    assert 15 < MEMORY_BYTES / LEAK_BYTES_PER_SECOND < 30
    with started(list(leaker(50 * 2**20))) as process:
        time.sleep(1.2)
        fields = Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()
        process.terminate()
        assert process.wait(5) == 0
    assert 30 * 2**20 < int(fields[1]) * 4096 < 90 * 2**20


@pytest.mark.live
def test_where_no_cgroup_can_be_made_it_does_not_begin(live: str) -> None:
    """An ordinary user is told at once what it takes, no leak is started, and nothing stays behind."""
    heard: list[dict[str, Any]] = []

    def refused() -> None:
        with pytest.raises(Absent, match="a cgroup of its own: needs root"):
            demo(Places(open_to_all, open_to_all), heard.append, guarded=True)
        assert heard == []

    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o777)
        as_nobody(refused)
        assert not list(Path(open_to_all).glob("run/*"))
