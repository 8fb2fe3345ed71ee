"""`forestall run`: a command in a memory-limited cgroup of its own, under a guard of its own.

The owner (this process) starts the guard, then the command, passes signals and
the exit code on, starts the command again after a stop where that is asked for,
and removes everything. If it dies, the guard ends the command and cleans up; if
both die, the next run does (`leftovers`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from forestall.agent.lines import Inlet, Outlet
from forestall.agent.mission import Mission, Run
from forestall.config.encode import encode
from forestall.config.schema import AgentSettings, Config, Plugged
from forestall.model.errors import Absent, Denied, ForestallError
from forestall.model.policy import Policy
from forestall.operations.backoff import Backoff
from forestall.operations.bookkeeping import Bookkeeping
from forestall.operations.enclosure import Counters, Enclosure, enclose, planned_path
from forestall.operations.ending import end_members, forget_old_runs
from forestall.operations.guarding import start_guard
from forestall.operations.leftovers import Record, end_leftovers, start_ticks, write_record
from forestall.query.places import Places
from forestall.system.clock import Clock, boottime_seconds
from forestall.system.files import make_directory, remove_tree
from forestall.system.process import Held, Launch, adopt_orphans, exit_code, launch, reap, reap_orphans
from forestall.system.procfs import Procfs
from forestall.system.signals import Signals

LEAVING: Final = (signal.SIGINT, signal.SIGTERM)
"""Whoever sends these wants the command to end for good."""
LEAVING_AT_REST: Final = (*LEAVING, signal.SIGHUP, signal.SIGQUIT)
"""And while no command runs that could take the others as it likes."""
PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
READY_SECONDS_MAX: Final = 10.0
GUARDS_MAX: Final = 5
EMPTY_SECONDS_MAX: Final = 5.0
TOLD_REST_SECONDS: Final = 1.0
"""A rest longer than this is told: somebody may wonder why nothing runs."""

Listener = Callable[[dict[str, Any]], None]


class Wanted(NamedTuple):
    """What the person asked for. Sizes in bytes, times in seconds; `restarts_max` None = without end.

    `cgroup_required`: do not begin where no cgroup can be made; otherwise the process tree is watched instead.
    """

    argv: tuple[str, ...]
    memory_bytes: int
    policy: Policy | None
    swap_bytes: int | None = None
    restarts_max: int | None = 0
    notify: tuple[Plugged, ...] = (Plugged("journal"),)
    interval_seconds: float = 1.0
    cgroup_required: bool = False


class Report(NamedTuple):
    """What became of it. `enforced`: the kernel had the limit too. Sizes in bytes; counters None where unknown."""

    exit_code: int
    enforced: bool
    why_not_enforced: str
    memory_bytes: int
    peak_bytes: int | None
    kernel_kills: int | None
    near_misses: int
    captures: int
    stops: tuple[str, ...]
    restarts: int
    warned_seconds_before_limit: float | None
    state_directory: str


class Owner:
    """One run from its start to its end. `listen` hears every line of the guard's story as it comes."""

    def __init__(self, wanted: Wanted, places: Places, listen: Listener) -> None:
        self._wanted = wanted
        self._listen = listen
        self._id = f"{os.getpid()}-{int(boottime_seconds() * 1000)}"
        self._runtime = f"{places.runtime}/run/{self._id}"
        self._state = f"{places.state}/run/{self._id}"
        self._places = places
        self._enclosure: Enclosure | None = None
        self._why_not = ""
        self._guard: Held | None = None
        self._guards = 0
        self._control: Outlet | None = None
        self._story: Inlet | None = None
        self._child = 0
        self._held: Held | None = None
        self._began = 0.0
        self._backoff = Backoff()
        self._ledger = Bookkeeping(wanted.memory_bytes)

    def run(self) -> Report:
        """Carry it out; raises Absent or Denied when the command cannot be started."""
        signals = Signals((*PASSED_ON, signal.SIGCHLD))
        adopt_orphans()
        end_leftovers(f"{self._places.runtime}/run")
        forget_old_runs(f"{self._places.state}/run")
        make_directory(self._runtime)
        try:
            self._enclose()
            self._start_guard()
            self._start_command()
            status = self._accompany(signals)
            return self._report(status)
        finally:
            self._finish(signals)

    def end(self) -> None:
        """Ask the command to end, as if somebody had sent SIGTERM; it is not started again."""
        self._ledger.told_to_end = True
        self._signal_child(signal.SIGTERM)

    def _enclose(self) -> None:
        """Make the cgroup; without one the guard watches the process tree alone, or Absent where it is required."""
        self._write_record(planned_path(self._id), 0)
        try:
            self._enclosure = enclose(self._id, self._wanted.memory_bytes, self._wanted.swap_bytes)
        except (Absent, Denied) as error:
            if self._wanted.cgroup_required:
                raise Absent(str(error), "run it as root") from error
            self._why_not = str(error)
            self._write_record("", 0)
            return
        self._write_record(self._enclosure.path, self._enclosure.inode)

    def _write_record(self, path: str, inode: int) -> None:
        procfs, guard = Procfs(), 0 if self._guard is None else self._guard.pid
        own, theirs = start_ticks(procfs, os.getpid()), start_ticks(procfs, guard) if guard else 0
        write_record(self._runtime, Record(os.getpid(), own, guard, theirs, Clock().boot_id, path, inode))

    # -- the guard -----------------------------------------------------------------------------------------------

    def _start_guard(self) -> None:
        if self._wanted.policy is None:
            return
        report_reading, report_writing = os.pipe2(os.O_CLOEXEC)
        control_reading, control_writing = os.pipe2(os.O_CLOEXEC)
        path, inode = ("", 0) if self._enclosure is None else (self._enclosure.path, self._enclosure.inode)
        name = os.path.basename(self._wanted.argv[0])
        settings = AgentSettings(self._wanted.interval_seconds, min(1.0, self._wanted.interval_seconds))
        config = Config(agent=settings, notify=self._wanted.notify, services=(self._wanted.policy,))
        mission = Mission(
            encode(config),
            self._state,
            self._runtime,
            report_writing,
            control_reading,
            os.getpid(),
            Run(self._id, path, inode, self._wanted.memory_bytes, name),
        )
        try:
            self._guard = start_guard(mission)
        finally:
            os.close(report_writing)
            os.close(control_reading)
        self._guards += 1
        self._control, self._story = Outlet(control_writing), Inlet(report_reading)
        self._write_record(path, inode)
        self._await_guard()

    def _await_guard(self) -> None:
        assert self._story is not None
        until = boottime_seconds() + READY_SECONDS_MAX
        poller = select.poll()
        poller.register(self._story.fd, select.POLLIN)
        while (left := until - boottime_seconds()) > 0 and not self._story.ended:
            poller.poll(left * 1000)
            for message in self._story.receive():
                self._listen(message)
                if message.get("k") == "ready":
                    return
        raise Denied("guarding this command", "a guard that starts; see its words above")

    def _start_command(self) -> None:
        join = () if self._enclosure is None else self._enclosure.join
        name = self._wanted.argv[0]
        try:
            self._child = launch(Launch(self._wanted.argv, join=join))
            self._hold(Held(self._child))
            self._began = boottime_seconds()
        except Absent:
            raise Absent(f"{name}: no such program, or its interpreter is missing", "give its path") from None
        except Denied as error:
            raise Denied(f"start of {name}", f"a program that may be executed ({error.what})") from None

    def _hold(self, held: Held | None) -> None:
        if self._held is not None:
            self._held.close()
        self._held = held

    # -- while it runs -------------------------------------------------------------------------------------------

    def _accompany(self, signals: Signals) -> int:
        """Pass signals on and listen until the command has ended for good; return its wait status."""
        poller = select.poll()
        poller.register(signals.fd, select.POLLIN)
        while True:
            self._turn(signals, poller, 1.0)
            status = reap(self._child)
            if status is None:
                continue
            self._settle(poller)
            if not self._should_start_again() or not self._rest(signals, poller):
                return status
            self._ledger.restarts += 1
            self._listen({"k": "again", "number": self._ledger.restarts})
            if self._control is not None:
                self._control.send({"k": "again"})
            self._start_command()

    def _turn(self, signals: Signals, poller: select.poll, seconds: float) -> None:
        """Wait for a signal or a word of the guard, at most so long, and take them in."""
        if self._story is not None:
            poller.register(self._story.fd, select.POLLIN)
        poller.poll(seconds * 1000)
        self._pass_on(signals)
        self._hear(poller)
        self._reap_orphans()

    def _rest(self, signals: Signals, poller: select.poll) -> bool:
        """Wait before the next start, longer each time; False when somebody wants it to end instead."""
        lasted = boottime_seconds() - self._began
        rest = self._backoff.rest_seconds(lasted)
        until = boottime_seconds() + rest
        self._hold(None)
        if rest > TOLD_REST_SECONDS:
            self._listen({"k": "rest", "seconds": rest, "lasted_seconds": lasted})
        while (left := until - boottime_seconds()) > 0 and not self._ledger.told_to_end:
            self._turn(signals, poller, left)
        return not self._ledger.told_to_end

    def _pass_on(self, signals: Signals) -> None:
        leaving = LEAVING_AT_REST if self._held is None else LEAVING
        for came in signals.receive():
            self._ledger.told_to_end = self._ledger.told_to_end or came.number in leaving
            if came.number == signal.SIGCHLD or came.from_kernel:
                continue
            self._signal_child(came.number)

    def _reap_orphans(self) -> None:
        reap_orphans(self._child, *(() if self._guard is None else (self._guard.pid,)))

    def _signal_child(self, number: int) -> None:
        if self._held is None:
            return
        with contextlib.suppress(Absent):
            self._held.signal(number)

    def _hear(self, poller: select.poll) -> None:
        story = self._story
        if story is None:
            return
        for message in story.receive():
            self._ledger.take(message)
            self._listen(message)
        if story.ended:
            poller.unregister(story.fd)
            self._replace_guard()

    def _replace_guard(self) -> None:
        """The guard has died: start another, which finds the live state of the first."""
        self._put_guard_down()
        if self._guards >= GUARDS_MAX:
            self._listen({"k": "unguarded", "words": f"the guard died {self._guards} times; nothing guards any more"})
            return
        try:
            self._start_guard()
        except ForestallError as error:
            self._put_guard_down()
            self._listen({"k": "unguarded", "words": f"the guard died and cannot be started again: {error}"})

    def _settle(self, poller: select.poll) -> None:
        """After the command's end: wait for the guard's last word on a stop, and for stragglers to go."""
        until = boottime_seconds() + EMPTY_SECONDS_MAX
        while boottime_seconds() < until and self._ledger.stopping and self._story is not None:
            poller.poll(50)
            self._hear(poller)
            self._reap_orphans()

    def _should_start_again(self) -> bool:
        limit = self._wanted.restarts_max
        if self._ledger.told_to_end or (limit is not None and self._ledger.restarts >= limit):
            return False
        counters = self._counters()
        killed = counters is not None and (counters.kills or 0) > self._ledger.kernel_kills_seen
        if counters is not None:
            self._ledger.kernel_kills_seen = counters.kills or 0
        stopped = self._ledger.stopped_since_start
        self._ledger.stopped_since_start = False
        return stopped or killed

    # -- the end -------------------------------------------------------------------------------------------------

    def _counters(self) -> Counters | None:
        try:
            return None if self._enclosure is None else self._enclosure.counters()
        except ForestallError:
            return None

    def _report(self, status: int) -> Report:
        self._dismiss_guard()
        counters, ledger = self._counters(), self._ledger
        return Report(
            exit_code=exit_code(status),
            enforced=self._enclosure is not None,
            why_not_enforced=self._why_not,
            memory_bytes=self._wanted.memory_bytes,
            peak_bytes=ledger.peak_bytes if counters is None else counters.peak_bytes,
            kernel_kills=None if counters is None else counters.kills,
            near_misses=ledger.near_misses,
            captures=ledger.captures,
            stops=tuple(ledger.stops),
            restarts=ledger.restarts,
            warned_seconds_before_limit=ledger.warned_seconds_before_limit,
            state_directory=self._state,
        )

    def _dismiss_guard(self) -> None:
        """Say farewell and hear what the guard still has to tell (its recorder finishes captures)."""
        if self._control is None or self._story is None:
            return
        try:
            self._control.send({"k": "bye"})
            self._hear_out(self._story)
        finally:
            self._put_guard_down()

    def _hear_out(self, story: Inlet) -> None:
        poller = select.poll()
        poller.register(story.fd, select.POLLIN)
        until = boottime_seconds() + READY_SECONDS_MAX
        while not story.ended and boottime_seconds() < until:
            poller.poll(100)
            for message in story.receive():
                self._ledger.take(message)
                self._listen(message)

    def _put_guard_down(self) -> None:
        if self._guard is not None:
            with contextlib.suppress(Absent):
                self._guard.signal(signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._guard.pid, 0)
            self._guard.close()
            self._guard = None
        for end in (self._control, self._story):
            if end is not None:
                end.close()
        self._control = self._story = None

    def _finish(self, signals: Signals) -> None:
        """Leave nothing: no process, no cgroup, no runtime files. Each step is taken even when one before it failed."""
        with contextlib.ExitStack() as steps:  # which takes them from the last to the first
            steps.callback(signals.close)
            steps.callback(remove_tree, self._runtime)
            if self._enclosure is not None:
                steps.callback(self._enclosure.remove)
            steps.callback(end_members, self._enclosure)
            steps.callback(self._hold, None)
            steps.callback(self._dismiss_guard)


def run(wanted: Wanted, places: Places, listen: Listener) -> Report:
    """Run a command under guard and say what became of it."""
    return Owner(wanted, places, listen).run()
