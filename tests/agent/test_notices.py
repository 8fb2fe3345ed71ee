"""Notices: findings and outcomes in words, to every sink, and a sink that fails costs only itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.agent.notices import TROUBLES_REMEMBERED_MAX, Notices
from forestall.config.schema import Config, Plugged
from forestall.model.action import DONE, Deed, Outcome
from forestall.model.finding import Evidence, Finding, Severity
from forestall.store.disk import Store
from tests.support.frames import MIB, MOMENT, reading

TARGET = reading("api.service").target
EVIDENCE = (
    Evidence("used", 480.0 * MIB, "bytes", "memory.stat"),
    Evidence("growth", 20.0 * MIB, "bytes per second", "trend"),
    Evidence("time to limit", 90.0, "seconds", "trend"),
    Evidence("pressure", 0.25, "ratio", "psi"),
    Evidence("kills", 2.0, "count", "memory.events"),
)
FINDING = Finding("step", TARGET, Severity.WARNING, "used 94% of limit", EVIDENCE, 90.0, 0.8, "unit:*", 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A real store."""
    one = Store(str(tmp_path / "store"))
    yield one
    one.close()


def sink(path: Path) -> Config:
    """A configuration with one file as its sink."""
    return Config(notify=(Plugged("file", (("path", str(path)),)),))


def lines(path: Path) -> list[dict[str, object]]:
    """What has been told there."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_finding_is_told_with_its_numbers(tmp_path: Path, store: Store) -> None:
    """Every number with its unit, the confidence, and which step of which policy."""
    Notices(sink(tmp_path / "n"), store).finding(FINDING, MOMENT)
    (told,) = lines(tmp_path / "n")
    assert told["headline"] == "api.service: used 94% of limit"
    assert told["fields"] == [
        ["rule", "step"],
        ["used", "480 MiB"],
        ["growth", "20 MiB/s"],
        ["time_to_limit", "1m 30s"],
        ["pressure", "25%"],
        ["kills", "2"],
        ["confidence", "80%"],
        ["policy", "unit:*"],
        ["step", "2"],
    ]


def test_an_outcome_is_told_with_its_reason(tmp_path: Path, store: Store) -> None:
    """What came of an act and why it was done; notify and capture are not told about by themselves."""
    notices = Notices(sink(tmp_path / "n"), store)
    notices.outcome(Outcome("a-1", TARGET, Deed("notify"), DONE, "told", 1.0, 0.0), "why", MOMENT)
    notices.outcome(Outcome("a-1", TARGET, Deed("restart"), DONE, "exit code 0", 1.0, 2.5), "used 94%", MOMENT)
    (told,) = lines(tmp_path / "n")
    assert told["headline"] == "api.service: restart: done: exit code 0"
    assert told["fields"] == [["action", "a-1"], ["seconds", "2.50"], ["why", "used 94%"]]


def test_every_notice_has_an_id_of_its_own(tmp_path: Path, store: Store) -> None:
    """Also two of the same moment."""
    notices = Notices(sink(tmp_path / "n"), store)
    for _ in range(3):
        notices.words(Severity.INFO, TARGET, "x", MOMENT)
    assert len({str(told["id"]) for told in lines(tmp_path / "n")}) == 3


def test_a_sink_that_fails_costs_only_itself(tmp_path: Path, store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    """The others get the notice, and the trouble is said once on standard error."""
    broken = Plugged("file", (("path", str(tmp_path / "none" / "n")),))
    config = Config(notify=(broken, *sink(tmp_path / "n").notify))
    notices = Notices(config, store)
    for _ in range(3):
        notices.finding(FINDING, MOMENT)
    assert len(lines(tmp_path / "n")) == 3
    assert capfd.readouterr().err.count("notify file") == 1


def test_troubles_are_said_once_and_remembered_within_bounds(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    """The same words are said once; very many different ones do not fill the memory."""
    notices = Notices(Config(notify=()), store)
    for number in (*range(TROUBLES_REMEMBERED_MAX + 5), TROUBLES_REMEMBERED_MAX + 4):
        notices.trouble(f"disk {number}")
    assert len(capfd.readouterr().err.splitlines()) == TROUBLES_REMEMBERED_MAX + 5
    assert len(notices._told_of) <= TROUBLES_REMEMBERED_MAX
