"""Tables of several documents."""

from __future__ import annotations

from typing import Any

from forestall.config.mistakes import Mistake
from forestall.config.schema import Config, Plugged
from forestall.config.sections import Document, Sections


def read(*parsed: dict[str, Any]) -> tuple[Config, list[Mistake]]:
    """The configuration of documents without lines."""
    mistakes: list[Mistake] = []
    documents = [Document(f"{index}.toml", each, {}) for index, each in enumerate(parsed)]
    return Sections(documents, mistakes).config(()), mistakes


def test_a_key_that_a_plugin_needs_may_come_from_another_file() -> None:
    """What is lacking is judged when all files are read."""
    config, mistakes = read({"notify": {"file": {"size": "1MiB"}}}, {"notify": {"file": {"path": "x"}}})
    assert mistakes == []
    assert dict(config.notify[1].values) == {"size_bytes": 2**20, "path": "x"}


def test_the_journal_stays_unless_it_has_settings_of_its_own() -> None:
    """And then it is there once."""
    config, _ = read({"notify": {"journal": {}}})
    assert config.notify == (Plugged("journal"),)


def test_a_mistake_in_one_table_does_not_hide_the_others() -> None:
    """Both services are looked at, and the sound one is kept."""
    config, mistakes = read({"service": [{"match": "x", "bad": 1}, {"match": "host"}, {"match": "unit:*", "grace": 0}]})
    assert len(mistakes) == 1
    assert [policy.match for policy in config.services] == ["host", "unit:*"]


def test_lines_that_could_not_be_expanded_are_told_once() -> None:
    """The expansion has told already."""
    mistakes: list[Mistake] = []
    document = Document("a.toml", {"agent": {"interval": ""}}, {("agent", "interval"): 2}, frozenset({2}))
    Sections([document], mistakes).config(())
    assert mistakes == []
