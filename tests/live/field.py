"""The field of the live tests: a real agent on its own directories, and real processes in real limited cgroups."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self, cast

from forestall.model.plain import plain
from forestall.store.reader import Reader
from tests.live import programs
from tests.support.scratch import ScratchCgroup

SOURCE: Final = Path(__file__).parents[2] / "src"
CODE: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from forestall.ui.cli.main import main; sys.exit(main())"
)
END_SECONDS_MAX: Final = 15.0

LADDER: Final = """
[agent]
interval = "1s"

[notify.file]
path = "{notices}"

[[service]]
match = "cgroup:{path}/*"
grace = "10s"

  [[service.step]]
  when = "used > 80% of limit for 30s or time_to_limit < 10m"
  do = ["notify", "capture"]
  [[service.step]]
  when = "used > 92% of limit or time_to_limit < 60s"
  do = ["terminate"]
"""
"""The design's example, `terminate` in place of `restart`."""


def forestall(*words: str) -> list[str]:
    """The command line of this source tree's forestall."""
    return [sys.executable, "-I", "-c", CODE, str(SOURCE), *words]


class Agent:
    """A running `forestall agent`; everything it writes is below `directory`."""

    def __init__(self, directory: Path, config: str = "") -> None:
        self.directory = directory
        self.errors = directory / "stderr"
        file = directory / "forestall.toml"
        file.write_text(config, encoding="utf-8")
        with self.errors.open("wb") as errors:
            words = forestall("agent", "--config", str(file), "--state-dir", str(directory))
            self.process = subprocess.Popen(words, stderr=errors, stdin=subprocess.DEVNULL)
        self.wait_for((directory / "run" / "now").exists, 15.0, "the agent's first frame")

    def wait_for(self, holds: Any, seconds: float, what: str) -> None:
        """Wait until `holds()`; fails with what the agent said."""
        until = time.monotonic() + seconds
        while not holds():
            said = self.errors.read_text(encoding="utf-8", errors="replace")
            assert self.process.poll() is None, f"the agent has ended: {said}"
            assert time.monotonic() < until, f"no {what} within {seconds} s; the agent said: {said}"
            time.sleep(0.02)

    def status(self) -> Any:
        """What `forestall status --json` says now."""
        words = forestall("status", "--json", "--all", "--state-dir", str(self.directory))
        done = subprocess.run(words, capture_output=True, timeout=30, check=True)
        return json.loads(done.stdout)

    def children(self) -> list[int]:
        """Pids of the guard's children: recorder and hands, in the order of their start."""
        pid = self.process.pid
        return sorted(int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def events(self, kind: str) -> list[dict[str, Any]]:
        """One kind of event in the store, oldest first, as plain fields."""
        found = Reader(str(self.directory)).events(0.0, time.time() + 60.0, (kind,))
        return [cast("dict[str, Any]", plain(event.value)) for event in found]

    def end(self) -> int:
        """End it with SIGTERM and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Player:
    """One process in one limited cgroup."""

    def __init__(
        self, field: ScratchCgroup, name: str, limit_mib: int, words: tuple[str, ...], stdout: int | None = None
    ) -> None:
        self.name = name
        self.limit_mib = limit_mib
        self.cgroup = field.child(name)
        self.cgroup.limit(limit_mib * programs.MIB)
        self.began = time.monotonic()
        joined = ("sh", "-c", f'echo 0 >{self.cgroup.directory}/cgroup.procs; exec "$@"', "sh", *words)
        self.process = subprocess.Popen(joined, stdin=subprocess.DEVNULL, stdout=stdout)

    @property
    def target(self) -> str:
        """What the agent calls it."""
        return self.cgroup.path

    def end(self) -> None:
        """End it for good."""
        self.process.kill()
        self.process.wait()

    def kernel_kills(self) -> int:
        """How often the kernel's OOM killer struck in its cgroup."""
        return self.cgroup.kernel_kills()

    def peak_ratio(self) -> float:
        """Highest usage, page cache and all, as a share of the limit."""
        return int(self.cgroup.read("memory.max_usage_in_bytes")) / (self.limit_mib * programs.MIB)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, None when it still runs after that long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        return None


@contextlib.contextmanager
def field_of(mount: str) -> Iterator[ScratchCgroup]:
    """A cgroup for players, removed with all of them afterwards."""
    group = ScratchCgroup(mount, f"/forestall-test-{secrets.token_hex(6)}")
    try:
        yield group
    finally:
        group.remove()


def leftovers(mount: str) -> list[str]:
    """Cgroups of runs that are there now."""
    return [name for name in os.listdir(mount) if name.startswith("forestall-run-")]
