"""Notices on stderr."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.action import Notice
from forestall.model.errors import Absent
from forestall.model.target import UNIT, Target
from forestall.notify.journal import LINE_BYTES_MAX, PLUGIN, Journal, Settings, is_journal, line, priority, quoted

NOTICE = Notice(
    "n1",
    5.0,
    1,
    Target(UNIT, "x#1", "api.service", "/x"),
    "api.service reaches its limit in 4m",
    (("used", "490MiB"), ("why", 'said "x" = y')),
)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_notice_is_one_line_of_keys_and_values(pipe: tuple[int, int]) -> None:
    """Readable, and no value can be mistaken for two."""
    PLUGIN.make(PLUGIN.settings()).send  # noqa: B018 - it can be made of its defaults
    Journal(Settings(), pipe[1]).send(NOTICE)
    assert os.read(pipe[0], 10_000).decode() == (
        "forestall: api.service reaches its limit in 4m severity=warning target=unit:api.service used=490MiB"
        ' why="said \\"x\\" = y" id=n1\n'
    )


def test_the_journal_gets_a_priority(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """When stderr is the stream that systemd names; a person does not get to see it."""
    status = os.fstat(pipe[1])
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    Journal(Settings(), pipe[1]).send(NOTICE)
    assert os.read(pipe[0], 10_000).startswith(b"<4>forestall: ")


@pytest.mark.parametrize(("severity", "prefix"), [(0, "<6>"), (1, "<4>"), (2, "<2>"), (9, "<2>"), (-1, "<6>")])
def test_priorities_are_those_of_syslog(severity: int, prefix: str) -> None:
    """Information, warning, critical; a severity that does not exist is the nearest."""
    assert priority(severity) == prefix


def test_another_stream_is_not_the_journal(pipe: tuple[int, int]) -> None:
    """A variable that was inherited does not count, nor a descriptor that is closed."""
    assert not is_journal(pipe[1], "1:2")
    assert not is_journal(pipe[1], "")
    assert not is_journal(9999, "1:2")


@given(st.text())
def test_no_text_breaks_the_line(text: str) -> None:
    """Names with line ends, quotes, escapes and lone surrogates stay inside of their value."""
    shown = quoted(text)
    assert shown.isprintable()
    assert "\n" not in line(NOTICE._replace(headline=text, fields=(("key", text),)))
    if shown[0] == '"':
        assert shown[-1] == '"'
        assert '"' not in shown[1:-1].replace("\\\\", "").replace('\\"', "")


def test_a_line_is_cut_at_its_bound(pipe: tuple[int, int]) -> None:
    """A name of a megabyte does not fill the log."""
    Journal(Settings(), pipe[1]).send(NOTICE._replace(headline="x" * 1_000_000))
    assert len(os.read(pipe[0], 1_000_000).decode()) == LINE_BYTES_MAX + 1


def test_nobody_reading_is_an_error() -> None:
    """The sender is told that the notice did not arrive."""
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(Absent, match="stderr"):
        Journal(Settings(), write).send(NOTICE)
    os.close(write)
