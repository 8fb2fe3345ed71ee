"""cgroup v2 for real: a machine with systemd (lab/boot) is booted once, the trials run in it, and each is judged here.

Emulation is ten to thirty times slower than a machine: what happened is judged, not how fast.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.tree import TREE

BOOT_SECONDS_MAX: Final = 800
MIB: Final = 2**20
TRIALS: Final = ("status", "run", "demo", "killed", "restart", "unguarded", "up", "person", "capture")
RECOGNISED_SECONDS_MAX: Final = 30.0
"""From the death of a unit until `status`, itself slow in emulation, has told of it."""

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.vm, pytest.mark.timeout(BOOT_SECONDS_MAX + 100)]


class Said:
    """What one trial left behind."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def text(self, name: str) -> str:
        """One of its files."""
        return (self._directory / name).read_text(encoding="utf-8")

    def lines(self, name: str) -> list[str]:
        """The lines of one of its files."""
        return self.text(name).splitlines()

    def document(self, name: str) -> Any:
        """The JSON document on the last line of one of its files."""
        return json.loads(self.lines(name)[-1])


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the trials of one boot have left what they said; skipped where no machine can be built."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("needs root and apt-get, to build a machine")
    kept = tmp_path_factory.mktemp("machine")
    trials = [str(TREE / "tests" / "lab" / "trials" / f"{name}.sh") for name in TRIALS]
    words = [str(TREE / "lab" / "boot"), "-t", str(BOOT_SECONDS_MAX), "-o", str(kept), *trials]
    done = subprocess.run(words, capture_output=True, text=True, timeout=BOOT_SECONDS_MAX + 60, check=False)
    assert (kept / f"{TRIALS[-1]}.code").exists(), done.stderr
    return kept


@pytest.fixture
def said(machine: Path, request: pytest.FixtureRequest) -> Said:
    """What the trial named by the test's first word after `test_` has left."""
    name = request.node.originalname.split("_")[1]
    assert (machine / f"{name}.code").read_text() == "0\n", (machine / f"{name}.err").read_text()
    return Said(machine / name)


def service(document: Any, name: str) -> Any:
    """The row of that name in a document of `status --json`."""
    return next(row for row in document["services"] if row["name"] == name)


def test_status_names_every_unit_that_systemd_runs(said: Said) -> None:
    """Each running service is a row of kind unit, except the user's own manager, whose processes are rows."""
    rows = {row["name"]: row for row in said.document("json")["services"]}
    running = [name for name in said.lines("running") if not name.startswith("user@")]
    assert len(running) > 4
    assert [name for name in running if rows[name]["kind"] != "unit"] == []


def test_status_takes_limits_from_units(said: Said) -> None:
    """MemoryMax= is the unit's own limit; a unit without one is limited by the host, and counts as the kernel does."""
    document = said.document("json")
    limited = service(document, "limited.service")
    assert (limited["level"], limited["reading"]["own_limit_bytes"]) == ("own", 96 * MIB)
    assert limited["used_bytes"] + limited["headroom_bytes"] == limited["limit_bytes"]
    assert (limited["kills"], limited["near_misses"], limited["pids"]) == (0, 0, 1)
    journal = service(document, "systemd-journald.service")
    assert (journal["level"], journal["limit_bytes"] > 96 * MIB) == ("host", True)
    assert "own limit     96Mi" in said.lines("detail")


def test_status_shows_what_a_session_runs(said: Said) -> None:
    """A process of a login session is a row of its own, in the session's scope."""
    scope = said.text("session").strip().removeprefix("0::")
    assert scope.startswith("/user.slice/user-1000.slice/session-")
    kinds = {row["name"]: row["kind"] for row in said.document("json")["services"] if row["path"] == scope}
    assert kinds == {"runuser": "process", "sleep": "process"}


def test_run_stops_a_leak_before_the_kernel_does(said: Said) -> None:
    """The limit is the kernel's too, no kill is counted, evidence is kept, and the cgroup is gone."""
    report = said.document("words")
    assert (report["enforced"], report["kernel_kills"], report["exit_code"]) == (True, 0, 143)
    assert report["captures"] >= 1
    assert report["peak_bytes"] < 64 * MIB
    assert said.text("code") == "143\n"
    assert said.lines("left") == []


def test_run_is_in_a_cgroup_of_its_own_and_passes_the_exit_code_on(said: Said) -> None:
    """The command finds itself in the run's cgroup below the root, and its exit code is ours."""
    assert said.text("inside").startswith("0::/forestall-run-")
    assert said.text("own.code") == "7\n"


def test_demo_keeps_its_promise(said: Said) -> None:
    """Warned of, captured, stopped and started again without a kernel kill; without a guard the kernel kills."""
    assert said.text("code") == "0\n", said.text("story")
    assert said.lines("story")[-1].startswith("no kernel kill, warned ")
    assert (said.document("unguarded")["kernel_kills"], said.text("unguarded.code")) == (1, "0\n")
    assert said.lines("left") == []


def test_killed_owner_or_guard_or_both_leave_nothing(said: Said) -> None:
    """After kill -9 the command, the cgroup and the runtime files go, by the guard, the owner or the next run."""
    assert [said.lines(f"left.{who}") for who in ("owner", "guard", "both")] == [[], [], []]
    before, after = said.text("guards").split()
    assert before != after
    assert said.lines("still") != [], "the command did not outlive the guard"


def test_restart_of_a_unit_comes_before_the_kernel(said: Said) -> None:
    """The unit has another main process, systemd has logged no kill, and the kernel has counted none."""
    before, after = said.text("pids").split()
    assert before != after != "0"
    assert said.text("kills.before") == said.text("kills.after")
    assert "oom" not in said.text("journal").lower()
    notices = [json.loads(line)["headline"] for line in said.lines("notices")]
    assert any(line.startswith("leaky.service: restart: done: exit code 0") for line in notices)
    assert service(said.document("json"), "leaky.service")["verdict"]["word"] != "killed"
    assert len(said.document("history")["points"]) > 5


def test_unguarded_units_death_is_seen_and_attributed(said: Said) -> None:
    """Without a policy the kernel kills; the agent's status names the unit and the process soon after."""
    assert said.text("result") == "oom-kill\n"
    document = said.document("json")
    kill = next(row["kill"] for row in document["kills"] if "doomed" in row["kill"]["victim_path"])
    assert (kill["victim_path"], kill["comm"]) == ("/system.slice/doomed.service", "python3")
    assert float(said.text("seen")) - float(said.text("died")) < RECOGNISED_SECONDS_MAX
    assert "doomed.service: the kernel killed python3" in said.text("words")


def test_up_shows_table_and_page_and_leaves_nothing(said: Said) -> None:
    """scripts/run serves the page and the table of units, and ends all its processes with itself."""
    assert said.text("page").startswith("<!doctype html>")
    assert "systemd-journald.service" in said.text("table")
    assert (said.text("code"), said.lines("left")) == ("0\n", [])


def test_person_without_delegation_is_watched_over_all_the_same(said: Said) -> None:
    """An ordinary user's leak is stopped by forestall alone, which says that the kernel enforces nothing, and why."""
    report = said.document("words")
    assert (report["enforced"], report["exit_code"], report["kernel_kills"]) == (False, 143, None)
    assert len(report["stops"]) == 1
    assert "the kernel enforced nothing (a cgroup of its own: needs root" in said.text("plain.words")
    assert said.lines("left") == []


def test_person_reads_what_may_not_be_seen(said: Said) -> None:
    """`status` without root shows every unit and says that the kernel log is closed; `demo` says what it needs."""
    assert "systemd-journald.service" in said.text("table")
    assert "/dev/kmsg" in said.text("status.words")
    assert "hint: run as root" in said.text("status.words")
    assert (said.text("demo.code"), "needs root" in said.text("demo.words")) == ("5\n", True)
    assert len(said.lines("demo")) <= 1


def test_capture_is_a_host_that_tests_can_read(said: Said) -> None:
    """The machine as text holds units with their counters, as tests/hosts keeps them."""
    parts = said.text("tree.txt").split("=== ")
    events = next(
        part for part in parts if part.startswith("sys/fs/cgroup/system.slice/killed.service/memory.events\n")
    )
    assert "oom_kill 1" in events
