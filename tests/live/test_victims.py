"""Never the wrong victim, never needlessly: on real cgroups, under a real agent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live import programs
from tests.live.field import Agent, Player, field_of

pytestmark = pytest.mark.live

STOP = """
[[service]]
match = "cgroup:{path}"
grace = "3s"

  [[service.step]]
  when = "used > 70% of limit"
  do = ["terminate"]
"""
PROTECT = """
[[service]]
match = "cgroup:{path}"
protect = true
"""
SLEEPER = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import signal, time\nsignal.signal(15, lambda *_: None)\nwhile 1: time.sleep(1)",
)


def test_a_protected_child_of_a_guarded_parent_is_spared(live: str, tmp_path: Path) -> None:
    """The parent is stopped for a leak in one child; the other child, protected, runs on."""
    with field_of(live) as field:
        parent = field.child("shop")
        parent.limit(96 * programs.MIB)
        config = STOP.format(path=parent.path) + PROTECT.format(path=f"{parent.path}/db")
        with Agent(tmp_path, config):
            database = Player(parent, "db", 64, SLEEPER)
            leaking = Player(parent, "app", 90, programs.command("leak", 40.0, 0.1))
            assert leaking.wait(15.0) is not None
            assert database.wait(1.0) is None
            assert leaking.kernel_kills() == 0
            database.end()


def test_who_has_moved_away_during_the_grace_is_let_go(live: str, tmp_path: Path) -> None:
    """A process that ignores SIGTERM and is moved to another cgroup is not killed there."""
    with field_of(live) as field:
        safe = field.child("safe")
        place = field.child("place")
        place.limit(96 * programs.MIB)
        with Agent(tmp_path, STOP.format(path=place.path)) as agent:
            script = f'echo 0 >{place.directory}/cgroup.procs; exec "$@"'
            stubborn = subprocess.Popen(["sh", "-c", script, "sh", *STUBBORN], stdin=subprocess.DEVNULL)
            leaking = Player(place, "leak", 90, programs.command("leak", 40.0, 0.1))
            assert leaking.wait(15.0) is not None
            safe.add(stubborn.pid)
            agent.wait_for(lambda: agent.events("outcome"), 15.0, "outcome")
            time.sleep(0.5)
            assert stubborn.poll() is None
            stubborn.kill()
            stubborn.wait()


def test_who_writes_files_is_never_stopped(live: str, tmp_path: Path) -> None:
    """Dirty page cache fills the cgroup to its limit; the kernel writes it back, and nobody acts."""
    with field_of(live) as field, Agent(tmp_path, STOP.format(path=f"{field.path}/*")) as agent:
        file = tmp_path / "written"
        words = ("dd", "if=/dev/zero", f"of={file}", "bs=1M", "count=700", "status=none")
        writers = [Player(field, f"writer-{number}", 128, words) for number in range(2)]
        assert [writer.wait(60.0) for writer in writers] == [0, 0]
        assert agent.events("outcome") == []
        os.unlink(file)


COMMAND = """
[[service]]
match = "cgroup:{path}/*"
command = ["sh", "-c", "echo done >>{log}"]
cooldown = "500ms"

  [[service.step]]
  when = "used > 70% of limit"
  do = ["notify", "command"]
"""


def test_an_idle_target_over_its_level_is_acted_upon_once(live: str, tmp_path: Path) -> None:
    """A step fires once: a target that stays where it is does not get its command again after each cool-down."""
    log = tmp_path / "log"
    with field_of(live) as field, Agent(tmp_path, COMMAND.format(path=field.path, log=log)) as agent:
        idle = Player(field, "idle", 64, programs.command("step", 64, 0.9, 0.5, 60.0))
        agent.wait_for(log.exists, 10.0, "command")
        time.sleep(3.0)
        assert log.read_text(encoding="ascii") == "done\n"
        assert idle.wait(0.1) is None
        idle.end()
