"""The recorder: looks at everything, keeps it, takes captures, tells people. A child of the guard, replaceable.

It may block and compute; the guard does not wait for it. What the guard says
comes over a pipe and is acknowledged once it is kept and told.
"""

from __future__ import annotations

import os
import select
from typing import Any, Final

from forestall import __version__
from forestall.agent.inspector import Inspector
from forestall.agent.lines import Inlet, Outlet
from forestall.agent.livestate import read_capture, read_state
from forestall.agent.notices import Notices
from forestall.agent.sweep import Sweep
from forestall.agent.taking import Taker
from forestall.agent.vanished import killed_and_gone
from forestall.config.schema import Config
from forestall.engine.host import host_target
from forestall.engine.tick import State, Ticked, step
from forestall.model.action import Outcome
from forestall.model.capture import Capture
from forestall.model.errors import ForestallError
from forestall.model.finding import Finding, Severity
from forestall.model.frame import Frame, Moment
from forestall.model.plain import value
from forestall.model.target import Target
from forestall.model.trend import CONFIDENT_RATIO
from forestall.query import now as nows
from forestall.store.disk import Store
from forestall.store.retention import Retention
from forestall.system.clock import Clock
from forestall.system.files import make_directory, replace_file
from forestall.system.procfs import Procfs

RISK_USED_RATIO: Final = 0.8
RISK_SECONDS: Final = 600.0
KILLS_SHOWN: Final = 20
KILL_SHOWN_SECONDS: Final = 86400.0
MAINTAIN_SECONDS: Final = 10.0
HASTE_SECONDS: Final = 0.25


class Recording:
    """What the recorder holds. `state_directory` takes the store, `runtime_directory` the now file."""

    def __init__(self, config: Config, state_directory: str, runtime_directory: str, proc_root: str) -> None:
        self._config = config
        self._runtime = runtime_directory
        self._clock = Clock()
        self._procfs = Procfs(proc_root)
        page_bytes = os.sysconf("SC_PAGE_SIZE")
        self.sweep = Sweep(self._procfs, page_bytes, log_from_start=True)
        self._inspector = Inspector(self._procfs)
        self._taker = Taker(self._procfs, self.sweep.cgroups, self._inspector, page_bytes)
        self._state = State()
        make_directory(state_directory)
        self._store = Store(state_directory, _retention(config))
        self._notices = Notices(config, self._store)
        self._began = self._clock.now()
        self._kills: list[Any] = []
        self._interval = config.agent.interval_seconds
        self._due = 0.0
        self._ticked_at = float("-inf")
        self._maintain_due = 0.0
        self._missed = 0
        self._known: set[tuple[str, str, int]] = set()
        self._used: dict[str, int] = {}
        self._only_path: str | None = None

    def tell_only_of(self, cgroup_path: str) -> None:
        """Tell people of this cgroup alone: whoever runs one command did not ask about the rest of the machine."""
        self._only_path = cgroup_path

    @property
    def log_fd(self) -> int | None:
        """The kernel log's descriptor: a kill is recorded when it happens."""
        return self.sweep.log.fd

    def seconds_to_next(self) -> float:
        """Seconds until the next frame is due."""
        return max(0.0, self._due - self._clock.now().boottime_seconds)

    def hasten(self) -> None:
        """The kernel log has something to tell: look soon, but let a flood of records share one look."""
        self._due = min(self._due, max(self._clock.now().boottime_seconds, self._ticked_at + HASTE_SECONDS))

    def tick(self) -> None:
        """Make one recording pass: read, judge, keep, publish."""
        moment = self._clock.now()
        self._ticked_at = moment.boottime_seconds
        frame = self.sweep.frame(moment)
        self._used = {reading.target.identity: reading.used_bytes for reading in frame.readings}
        ticked = step(self._state, frame, {}, interval_seconds=self._interval)
        self._keep_kills(frame)
        shown = frame._replace(kills=tuple(self._kills))
        self._interval = self._pace(frame, ticked)
        self._due = moment.boottime_seconds + self._interval
        known = [watched.reading.target for watched in self._state.targets.values() if watched.reading is not None]
        gone = killed_and_gone(frame, self._began.boottime_seconds, known)
        self._tell_new((*ticked.findings, *gone), moment)
        self._publish(shown, ticked)
        self._keep(lambda: self._store.append(frame, ticked))
        if moment.boottime_seconds >= self._maintain_due:
            self._maintain_due = moment.boottime_seconds + MAINTAIN_SECONDS
            self._keep(lambda: self._store.maintain(moment))

    def _keep_kills(self, frame: Frame) -> None:
        for kill in frame.kills:
            self._keep(lambda kill=kill: self._store.kill(kill))
        fresh = frame.moment.boottime_seconds - KILL_SHOWN_SECONDS
        kills = [*self._kills, *frame.kills]
        self._kills = [kill for kill in kills if kill.at_boottime_seconds > fresh][-KILLS_SHOWN:]

    def _pace(self, frame: Frame, ticked: Ticked) -> float:
        """Return the time to the next frame: shorter while any target is at risk."""
        at_risk = any(reading.used_bytes > RISK_USED_RATIO * reading.limit_bytes for reading in frame.readings)
        at_risk = at_risk or any(
            trend.time_to_limit_seconds is not None
            and trend.time_to_limit_seconds < RISK_SECONDS
            and trend.confidence_ratio >= CONFIDENT_RATIO / 2
            for trend in ticked.trends.values()
        )
        calm, risky = self._config.agent
        return min(risky, calm) if at_risk else calm

    def _tell_new(self, findings: tuple[Finding, ...], moment: Moment) -> None:
        """Tell of findings that were not there before; one that stays is told once."""
        now = {(finding.rule, finding.target.identity, int(finding.severity)) for finding in findings}
        for finding in findings:
            key = (finding.rule, finding.target.identity, int(finding.severity))
            if key in self._known or finding.severity == Severity.INFO:
                continue
            self._keep(lambda finding=finding: self._store.finding(finding, moment))
            if self._only_path in (None, finding.target.path):
                self._keep(lambda finding=finding: self._notices.finding(finding, moment))
        self._known = now

    def _publish(self, frame: Frame, ticked: Ticked) -> None:
        path = f"{self._runtime}/now"
        self._keep(lambda: replace_file(path, nows.encode(frame, ticked, self._health(frame.moment))))

    def _health(self, moment: Moment) -> nows.Health:
        return nows.Health(
            pid=os.getppid(),
            version=__version__,
            started_wall_seconds=self._began.wall_seconds,
            interval_seconds=self._interval,
            guard_heartbeat_seconds=self._guard_beat_age(moment),
            store_bytes=self._store.bytes_used(),
            missed_frames=self._missed,
            config_path=", ".join(self._config.files),
            policies=len(self._config.services),
            cpu_seconds=sum(os.times()[:2]),
            resident_bytes=0,
        )

    def _guard_beat_age(self, moment: Moment) -> float | None:
        try:
            state = read_state(f"{self._runtime}/guard")
            return None if state is None else moment.boottime_seconds - float(state[1]["heartbeat"]["boottime"])
        except (ForestallError, KeyError, TypeError, ValueError):
            return None

    def _keep(self, work: Any) -> None:
        """Do a piece of keeping or telling; a full disk or a dead sink costs that piece only, and is said."""
        try:
            work()
        except ForestallError as error:
            self._missed += 1
            self._notices.trouble(str(error))

    # -- what the guard says -------------------------------------------------------------------------------------

    def hear(self, message: dict[str, Any], outlet: Outlet) -> None:
        """Carry out one message of the guard and acknowledge it."""
        moment = self._clock.now()
        kind = message.get("k")
        try:
            if kind == "finding":
                self._hear_finding(message, moment)
            elif kind == "outcome":
                outcome = value(Outcome, message["outcome"])
                self._keep(lambda: self._store.outcome(outcome, moment))
                self._keep(lambda: self._notices.outcome(outcome, str(message.get("why", "")), moment))
            elif kind == "minimal":
                self._hear_minimal(message, moment)
            elif kind == "capture":
                self._hear_capture(message, moment, outlet)
            elif kind == "refusal":
                self._hear_refusal(message, moment)
            elif kind == "lost":
                self._hear_lost(int(message["count"]), moment)
        except ForestallError as error:
            self._missed += 1
            self._notices.trouble(f"a message of the guard was lost: {error}")
        finally:
            outlet.send({"k": "ack", "n": message.get("n", 0)})

    def _hear_finding(self, message: dict[str, Any], moment: Moment) -> None:
        finding = value(Finding, message["finding"])
        self._keep(lambda: self._store.finding(finding, moment))
        if message.get("notify"):
            self._keep(lambda: self._notices.finding(finding, moment))

    def _hear_refusal(self, message: dict[str, Any], moment: Moment) -> None:
        target, words = value(Target, message["target"]), str(message["words"])
        self._keep(lambda: self._notices.words(Severity.WARNING, target, words, moment))

    def _hear_lost(self, count: int, moment: Moment) -> None:
        self._missed += count
        words = f"{count} messages of the guard were given up because the recorder did not take them"
        self._keep(lambda: self._notices.words(Severity.WARNING, host_target(moment), words, moment))

    def _hear_minimal(self, message: dict[str, Any], moment: Moment) -> None:
        content = read_capture(f"{self._runtime}/guard", int(message["number"]))
        if content is not None:
            capture = value(Capture, content["capture"])
            self._keep(lambda: self._store.capture(capture))
            return
        self._missed += 1
        target, words = value(Target, message.get("target")), "its minimal capture is lost: newer ones took its place"
        self._keep(lambda: self._notices.words(Severity.WARNING, target, f"{target.name}: {words}", moment))

    def _hear_capture(self, message: dict[str, Any], moment: Moment, outlet: Outlet) -> None:
        target = value(Target, message["target"])
        action = str(message.get("action", ""))
        used = self._used.get(target.identity, 0)
        capture = self._taker.take(target, used, str(message.get("why", "")), moment, f"{action}-full")
        self._keep(lambda: self._store.capture(capture))
        outlet.send({"k": "captured", "action": action, "pieces": len(capture.pieces), "id": capture.id})

    def close(self) -> None:
        """Make a last frame and leave the store readable."""
        self._keep(self._store.close)
        self._inspector.close()


def _retention(config: Config) -> Retention:
    settings = config.store
    return Retention(*settings[:4], bytes_max=settings.size_bytes)


def work(
    config: Config,
    state_directory: str,
    runtime_directory: str,
    proc_root: str,
    inlet: Inlet,
    outlet: Outlet,
    only_path: str | None = None,
) -> int:
    """Be the recorder until the guard closes its pipe; with `only_path` people are told of that cgroup alone."""
    recording = Recording(config, state_directory, runtime_directory, proc_root)
    if only_path is not None:
        recording.tell_only_of(only_path)
    poller = select.poll()
    poller.register(inlet.fd, select.POLLIN)
    if recording.log_fd is not None:
        poller.register(recording.log_fd, select.POLLIN)
    recording.tick()
    while not inlet.ended:
        ready = {fd for fd, _ in poller.poll(max(1.0, recording.seconds_to_next() * 1000))}
        if inlet.fd in ready:
            for message in inlet.receive():
                recording.hear(message, outlet)
        if recording.log_fd in ready:
            recording.hasten()
        if recording.seconds_to_next() <= 0:
            recording.tick()
    recording.close()
    return 0
