"""A real agent with a configuration of its own, and cgroups for it to guard."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forestall.agent.livestate import read_state
from forestall.model.errors import ForestallError
from tests.support.processes import forestall, started, wait_until
from tests.support.scratch import ScratchCgroup


def service(group: ScratchCgroup, *steps: tuple[str, str], **keys: Any) -> str:
    """A `[[service]]` table for one cgroup: steps are (when, do), keys as the configuration spells them."""
    lines = ["[[service]]", f'match = "cgroup:{group.path}"']
    lines += [f"{name} = {json.dumps(value)}" for name, value in keys.items()]
    for when, do in steps:
        lines += ["[[service.step]]", f"when = {json.dumps(when)}", f"do = {json.dumps(do.split(', '))}"]
    return "\n".join(lines) + "\n"


class Agent:
    """An agent under way; `notices` is the file that its notices go to."""

    def __init__(self, process: subprocess.Popen[str], state: Path) -> None:
        self.process = process
        self.state = state
        self.notices = state / "notices.log"

    def live(self) -> dict[str, Any]:
        """The guard's live state, empty while there is none."""
        try:
            found = read_state(str(self.state / "run" / "guard"))
        except ForestallError:
            return {}
        return {} if found is None else found[1]

    def outcomes(self) -> list[tuple[str, str]]:
        """(verb, result) of the acts so far, oldest first, notify and capture left out."""
        outcomes = [(one["deed"]["verb"], one["result"]) for one in self.live().get("outcomes", [])]
        return [pair for pair in outcomes if pair[0] not in ("notify", "capture")]

    def told(self) -> list[dict[str, Any]]:
        """The notices so far."""
        if not self.notices.exists():
            return []
        return [json.loads(line) for line in self.notices.read_text(encoding="utf-8").splitlines()]


@contextmanager
def agent(state: Path, *services: str) -> Iterator[Agent]:
    """An agent that records into `state` and guards `services`, started and watching."""
    state.mkdir(exist_ok=True)
    config = state / "forestall.toml"
    head = f'[agent]\ninterval = "1s"\n[notify.file]\npath = "{state}/notices.log"\n'
    config.write_text(head + "\n".join(services), encoding="utf-8")
    words = forestall("agent", "--state-dir", state, "--config", config)
    errors = (state / "stderr").open("a", encoding="utf-8")
    with errors, started(words, stderr=errors) as process:
        one = Agent(process, state)
        wait_until(lambda: (state / "run" / "now").exists() or process.poll() is not None)
        assert process.poll() is None, (state / "stderr").read_text(encoding="utf-8")
        yield one
