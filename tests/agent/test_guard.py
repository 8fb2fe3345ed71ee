"""The guard on real cgroups: it acts once, on the right target, by the policy's own words, and remembers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.agent.livestate import LiveState, read_captures
from forestall.engine.arbiter import Ledger
from forestall.model.action import Action, Deed
from forestall.model.finding import Finding, Severity
from forestall.model.target import CGROUP, Target, cgroup_identity
from forestall.system.clock import Clock
from tests.support.agents import agent, service
from tests.support.processes import descendants, gone, python, started, state, wait_until
from tests.support.scratch import ScratchCgroup

pytestmark = pytest.mark.live

MIB = 2**20
LEVEL = "used > 80% of limit"
HOLD = "import signal, sys, time\nkept = b'x' * (int(sys.argv[1]) << 20)\nprint('up', flush=True)\ntime.sleep(60)"


def hold(group: ScratchCgroup, mebibytes: int) -> list[str]:
    """The command line of a process that goes into the group and holds so much there."""
    return ["sh", "-c", f'echo $$ >{group.directory}/cgroup.procs; exec "$@"', "sh", *python(HOLD, str(mebibytes))]


def up(process: subprocess.Popen[str]) -> None:
    """Wait until it holds what it is to hold."""
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


def test_a_target_over_its_level_is_terminated_once(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """Its processes end by TERM, the capture was kept before, people are told; the cool-down spares the next one."""
    group, other = scratch_cgroup(64 * MIB), scratch_cgroup(64 * MIB)
    steps = service(group, (LEVEL, "notify, capture, terminate"), cooldown="5m")
    with agent(tmp_path / "s", steps) as one, started(hold(other, 60)) as untouched, started(hold(group, 56)) as first:
        up(untouched)
        assert first.wait(10) == -signal.SIGTERM
        wait_until(lambda: one.outcomes() == [("terminate", "done")])
        assert read_captures(str(tmp_path / "s/run/guard"))
        wait_until(lambda: any("terminate: done" in notice["headline"] for notice in one.told()))
        with started(hold(group, 56)) as second:
            up(second)
            time.sleep(1.5)
            assert second.poll() is None
        assert one.outcomes() == [("terminate", "done")]
        assert untouched.poll() is None
    assert group.kernel_kills() == 0


def test_a_short_cooldown_lets_the_next_act_come(tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """When the cool-down is over and the step's reason still holds, it acts again, and not before."""
    group = scratch_cgroup(64 * MIB)
    with agent(tmp_path / "s", service(group, (LEVEL, "terminate"), cooldown="2s")) as one:
        with started(hold(group, 56)) as first:
            assert first.wait(10) == -signal.SIGTERM
        wait_until(lambda: one.outcomes() == [("terminate", "done")])
        stopped = time.monotonic()
        with started(hold(group, 56)) as second:
            assert second.wait(10) == -signal.SIGTERM
            assert time.monotonic() - stopped >= 1.8
        wait_until(lambda: len(one.outcomes()) == 2)


def test_a_dry_run_is_told_and_not_carried_out(tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """Nothing happens to the target, and what would have happened is told."""
    group = scratch_cgroup(64 * MIB)
    steps = service(group, (LEVEL, "terminate"), dry_run=True)
    with agent(tmp_path / "s", steps) as one, started(hold(group, 56)) as process:
        up(process)
        wait_until(lambda: any("would terminate" in notice["headline"] for notice in one.told()))
        time.sleep(0.3)
        assert process.poll() is None


def test_a_protected_target_is_spared_by_a_wider_policy(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """Of two cgroups that a glob means, the one that is protected by name lives on while the other is stopped."""
    spared, stopped = scratch_cgroup(64 * MIB), scratch_cgroup(64 * MIB)
    wide = service(stopped, (LEVEL, "terminate")).replace(stopped.path, f"{stopped.path[:-1]}*")
    also = service(spared, (LEVEL, "terminate")).replace(spared.path, f"{spared.path[:-1]}*")
    named = service(spared, (LEVEL, "notify"), protect=True)
    guarded = agent(tmp_path / "s", wide, also, named)
    with guarded as one, started(hold(spared, 56)) as first, started(hold(stopped, 56)) as second:
        up(first)
        assert second.wait(10) == -signal.SIGTERM
        wait_until(lambda: any(spared.path in notice["headline"] for notice in one.told()))
        assert first.poll() is None


def test_a_command_is_told_whom_it_is_about(tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """The act `command` runs the operator's words with the target filled in and the reason in its environment."""
    group = scratch_cgroup(64 * MIB)
    script = tmp_path / "tell"
    script.write_text('#!/bin/sh\nprintf "%s|" "$@" "$FORESTALL_WHY" >>"$0.out"\n', encoding="ascii")
    script.chmod(0o755)
    steps = service(group, (LEVEL, "command"), command=[str(script), "{name}", "--path={path}", "a b"])
    with agent(tmp_path / "s", steps) as one, started(hold(group, 56)) as process:
        up(process)
        wait_until(lambda: one.outcomes() == [("command", "done")])
        assert process.poll() is None
    said = (tmp_path / "tell.out").read_text(encoding="utf-8").split("|")
    assert said[1:3] == [f"--path={group.path}", "a b"]
    assert said[0] in group.path
    assert "used" in said[3]


def test_a_restart_is_the_policys_command(tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """The act `restart` runs the configured argv, and a failure of it is told with its words."""
    group = scratch_cgroup(64 * MIB)
    steps = service(group, (LEVEL, "restart"), restart=["sh", "-c", "echo no such unit >&2; exit 5"])
    with agent(tmp_path / "s", steps) as one, started(hold(group, 56)) as process:
        up(process)
        wait_until(lambda: one.outcomes() == [("restart", "failed")])
        assert "no such unit" in one.live()["outcomes"][-1]["words"]
        assert process.poll() is None


def test_it_never_stops_itself(tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """An agent that lives inside the target ends everything else there, and goes on."""
    group = scratch_cgroup(128 * MIB)
    steps = service(group, ("used > 50% of limit", "terminate"))
    with agent(tmp_path / "s", steps) as one:
        ours = [one.process.pid, *descendants(one.process.pid)]
        for pid in ours:
            group.add(pid)
        with started(hold(group, 72)) as process:
            assert process.wait(10) == -signal.SIGTERM
        wait_until(lambda: one.outcomes() == [("terminate", "done")])
        assert not any(gone(pid) for pid in ours[:2])


def test_killed_between_intent_and_act_it_does_not_act_again(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """A guard that finds an unfinished intent of an earlier one takes it for done, cool-down included, and says so."""
    group = scratch_cgroup(64 * MIB)
    identity = cgroup_identity(group.path, os.stat(group.directory).st_ino)
    leave_intent(tmp_path / "s", Target(CGROUP, identity, group.path, group.path))
    mark = tmp_path / "restarted"
    steps = service(group, (LEVEL, "restart"), restart=["touch", str(mark)], cooldown="5m")
    with agent(tmp_path / "s", steps) as one, started(hold(group, 56)) as process:
        up(process)
        wait_until(lambda: any("cool-down" in notice["headline"] for notice in one.told()))
        time.sleep(0.5)
        assert not mark.exists()
        assert one.outcomes() == []
    assert "an earlier guard had begun: restart" in (tmp_path / "s/stderr").read_text(encoding="utf-8")


def leave_intent(directory: Path, target: Target) -> None:
    """The live state of a guard that died after writing down that it is about to restart the target."""
    moment = Clock().now()
    finding = Finding("step", target, Severity.CRITICAL, "used 93% of limit", (), moment.boottime_seconds)
    deeds = (Deed("restart"),)
    action = Action("one-1", target, deeds, finding, "cgroup:*", 0, False, 10.0, moment.boottime_seconds)
    ledger = Ledger()
    ledger.began(action, moment)
    live = LiveState(str(directory / "run" / "guard"))
    live.write({"ledger": ledger.encode()})
    live.close()


def test_a_restart_of_the_guard_keeps_its_cooldowns(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """After kill -9 the next agent on the same directories knows that it has acted, and waits."""
    group = scratch_cgroup(64 * MIB)
    steps = service(group, (LEVEL, "terminate"), cooldown="5m")
    with agent(tmp_path / "s", steps) as one:
        with started(hold(group, 56)) as first:
            first.wait(10)
        wait_until(lambda: one.outcomes() == [("terminate", "done")])
        one.process.kill()
        one.process.wait()
    with agent(tmp_path / "s", steps) as two, started(hold(group, 56)) as second:
        up(second)
        wait_until(lambda: any("cool-down" in notice["headline"] for notice in two.told()))
        assert second.poll() is None
        assert two.outcomes() == [("terminate", "done")]


def test_damaged_live_state_is_no_obstacle(tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A guard that finds nonsense of the right form says so, begins anew and guards."""
    group = scratch_cgroup(64 * MIB)
    live = LiveState(str(tmp_path / "s/run/guard"))
    live.write({"ledger": {"boot_id": 5, "accounts": "x"}, "outcomes": 7})
    live.close()
    with agent(tmp_path / "s", service(group, (LEVEL, "terminate"))) as one, started(hold(group, 56)) as process:
        assert process.wait(10) == -signal.SIGTERM
        wait_until(lambda: one.outcomes() == [("terminate", "done")])
    assert "cool-downs begin anew" in (tmp_path / "s/stderr").read_text(encoding="utf-8")


def test_a_stopped_recorder_is_replaced_and_nothing_is_lost(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """With the recorder in SIGSTOP the act comes as ever; after 2 s the notice is on stderr and a new one tells it."""
    group = scratch_cgroup(64 * MIB)
    with agent(tmp_path / "s", service(group, (LEVEL, "notify, terminate"))) as one:
        stopped = recorder_of(one.process.pid, tmp_path / "s")
        os.kill(stopped, signal.SIGSTOP)
        wait_until(lambda: state(stopped) == "T")
        with started(hold(group, 56)) as process:
            began = time.monotonic()
            assert process.wait(10) == -signal.SIGTERM
            assert time.monotonic() - began < 2.0
        wait_until(lambda: gone(stopped), 4.0)
        wait_until(lambda: any("terminate: done" in notice["headline"] for notice in one.told()))
        said = (tmp_path / "s/stderr").read_text(encoding="utf-8")
        assert "the recorder was silent for 2 s and has been replaced" in said
        assert "terminate" in said


def recorder_of(guard: int, directory: Path) -> int:
    """The guard's child that holds the store open."""
    for pid in descendants(guard):
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{name}").startswith(str(directory)):
                    return pid
            except FileNotFoundError:
                continue
    raise AssertionError("no recorder")


def test_a_target_that_vanishes_and_comes_back_is_met_anew(
    tmp_path: Path, scratch_cgroup: Callable[..., ScratchCgroup]
) -> None:
    """A cgroup made after the agent began, or made again under the same name, is guarded within moments."""
    group = scratch_cgroup()
    with agent(tmp_path / "s", service(group, (LEVEL, "terminate"))):
        for _ in range(2):
            group.remove()
            time.sleep(0.2)
            group.directory.mkdir()
            group.limit(64 * MIB)
            with started(hold(group, 56)) as process:
                assert process.wait(10) == -signal.SIGTERM
