"""How fast the guard reacts at a cgroup limit: level crossed -> SIGTERM handled, at 500 MB/s into 1 GiB.

Quiet, beside a recorder that computes all the time (1,500 cgroups at the shortest interval), and beside a recorder
that is stopped. Needs root and a cgroup v1 memory controller. Prints a table and writes JSON to the file named.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.live.field import Agent, Player, field_of  # noqa: E402 - the path above leads to it
from tests.support.scratch import ScratchCgroup, memory_mount  # noqa: E402

LIMIT_MIB = 1024
LEVEL_RATIO = 0.7
RATE_MIB = 477.0
CROWD = 1500
CONFIG = """
[agent]
interval = "{interval}"

[[service]]
match = "cgroup:{path}/*"
cooldown = "0s"
max_acts_per_hour = 3600
grace = "2s"

  [[service.step]]
  when = "used > 70% of limit"
  do = ["terminate"]
"""


def runs(field: ScratchCgroup, agent: Agent, count: int, before: Callable[[Agent], None]) -> list[dict[str, float]]:
    """Let `count` allocators run into the level, one after the other."""
    found = []
    for number in range(count):
        name = f"run-{number}-{time.monotonic_ns()}"
        level = int(LIMIT_MIB * 2**20 * LEVEL_RATIO)
        usage = f"{field.directory}/{name}/memory.usage_in_bytes"
        script = str(ROOT / "tests" / "live" / "allocator.py")
        words = (sys.executable, "-I", "-S", script, usage, str(level), str(RATE_MIB))
        player = Player(field, name, LIMIT_MIB, words, stdout=subprocess.PIPE)
        time.sleep(1.0)
        before(agent)
        output, _ = player.process.communicate(timeout=30)
        if output:
            found.append(json.loads(output))
        player.cgroup.remove()
    return found


@contextmanager
def crowd(mount: str, count: int) -> Iterator[None]:
    """Many limited cgroups: work for the recorder, none for the guard."""
    with field_of(mount) as group:
        for number in range(count):
            group.child(f"crowd-{number}").limit(2**30)
        yield


def stop_recorder(agent: Agent) -> None:
    """Stop the recorder where it stands."""
    os.kill(agent.children()[0], signal.SIGSTOP)


def measure(name: str, mount: str, count: int, interval: str, crowded: int, before: Callable[[Agent], None]) -> Any:
    """One condition: median and maximum of reaction and overshoot."""
    with crowd(mount, crowded), field_of(mount) as field, tempfile.TemporaryDirectory() as directory:
        config = CONFIG.format(interval=interval, path=field.path)
        with Agent(Path(directory), config) as agent:
            time.sleep(2.0)
            found = runs(field, agent, count, before)
    row: dict[str, Any] = {"condition": name, "n": len(found), "wanted": count}
    for key in ("reaction_milliseconds", "overshoot_mib"):
        values = [one[key] for one in found]
        row[key] = {"median": round(statistics.median(values), 2), "max": round(max(values), 2)}
    print(
        f"{name:28} n={row['n']:3} reaction ms median {row['reaction_milliseconds']['median']:7} "
        f"max {row['reaction_milliseconds']['max']:7}   overshoot MiB median {row['overshoot_mib']['median']:6} "
        f"max {row['overshoot_mib']['max']:6}",
        flush=True,
    )
    return row


def main(count: int = 10) -> None:
    """Measure all conditions; the first argument is the number of runs of each."""
    mount = memory_mount()
    assert mount is not None, "needs a cgroup v1 memory controller"
    rows = [
        measure("quiet", mount, count, "10s", 0, lambda _: None),
        measure("recorder at 100 % CPU", mount, count, "100ms", CROWD, lambda _: None),
        measure("recorder stopped", mount, count, "10s", 0, stop_recorder),
    ]
    quiet = rows[0]["reaction_milliseconds"]["median"]
    for row in rows[1:]:
        print(f"{row['condition']}: median {row['reaction_milliseconds']['median'] / max(quiet, 0.01):.2f} x quiet")
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
