"""From findings and outcomes to people: words them, keeps them, hands them to the sinks that are configured."""

from __future__ import annotations

from typing import Final

from forestall.agent import telling
from forestall.config.plugins import plugin
from forestall.config.schema import Config
from forestall.model.action import SIDE_VERBS, Notice, Outcome
from forestall.model.errors import ForestallError
from forestall.model.finding import Finding, Severity
from forestall.model.frame import Moment
from forestall.model.target import Target
from forestall.model.units import format_bytes, format_duration, format_rate, format_ratio
from forestall.store.disk import Store

FAILED_SEVERITY: Final = Severity.CRITICAL
TROUBLES_REMEMBERED_MAX: Final = 64


class Notices:
    """Sends notices to every configured sink. A sink that fails costs only itself, and is said on standard error."""

    def __init__(self, config: Config, store: Store) -> None:
        self._store = store
        self._number = 0
        self._told_of: set[str] = set()
        self._sinks = []
        for plugged in config.notify:
            found = plugin("notify", plugged.name)
            self._sinks.append((plugged.name, found.make(found.settings(**dict(plugged.values)))))

    def finding(self, finding: Finding, moment: Moment) -> None:
        """Tell of a finding with its numbers."""
        fields = [("rule", finding.rule)]
        fields += [(_field(one.name), _number(one.value, one.unit)) for one in finding.evidence]
        fields.append(("confidence", format_ratio(finding.confidence_ratio)))
        if finding.policy:
            fields += [("policy", finding.policy), ("step", str(finding.step + 1))]
        self._send(finding.severity, finding.target, f"{finding.target.name}: {finding.summary}", fields, moment)

    def outcome(self, outcome: Outcome, why: str, moment: Moment) -> None:
        """Tell what came of an act; notify and capture are not told about by themselves."""
        if outcome.deed.verb in SIDE_VERBS:
            return
        headline = f"{outcome.target.name}: {outcome.deed.verb}: {outcome.result}: {outcome.words}"
        fields = [("action", outcome.action_id), ("seconds", f"{outcome.seconds:.2f}"), ("why", why)]
        self._send(Severity.CRITICAL, outcome.target, headline, fields, moment)

    def words(self, severity: Severity, target: Target, words: str, moment: Moment) -> None:
        """Tell something in words of our own."""
        self._send(severity, target, words, [], moment)

    def trouble(self, words: str) -> None:
        """Say once on standard error that something of ours could not be done."""
        if words in self._told_of:
            return
        if len(self._told_of) >= TROUBLES_REMEMBERED_MAX:
            self._told_of.clear()
        self._told_of.add(words)
        telling.say(f"forestall: {words}")

    def _send(self, severity: int, target: Target, headline: str, fields: list[tuple[str, str]], at: Moment) -> None:
        self._number += 1
        identity = f"{at.boot_id[:8]}-{int(at.boottime_seconds * 1000)}-{self._number}"
        notice = Notice(identity, at.wall_seconds, int(severity), target, headline, tuple(fields))
        for name, sink in self._sinks:
            try:
                sink.send(notice)
            except ForestallError as error:
                self.trouble(f"notify {name}: {error}")
        self._store.notice(notice)


def _field(name: str) -> str:
    """The name of a number as one word: only letters, digits and underscores."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in name).split())


def _number(value: float, unit: str) -> str:
    if unit == "bytes":
        return format_bytes(int(value))
    if unit == "bytes per second":
        return format_rate(value)
    if unit == "seconds":
        return format_duration(value)
    return format_ratio(value) if unit == "ratio" else f"{value:g}"
