"""Numbers as people read them, the same on every screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.finding import Severity
from forestall.model.kill import UNNAMED_CGROUP
from forestall.model.target import PROCESS, Target
from forestall.query.verdict import WORDS, Verdict
from forestall.query.views import KillRow, table
from forestall.ui.words import (
    HUMAN,
    Unit,
    ago,
    counted,
    halves,
    kill_line,
    label,
    rate,
    share,
    size,
    span,
    verdict_words,
)
from tests.support import frames
from tests.support.frames import GIB, MIB


@pytest.mark.parametrize(
    ("size_bytes", "unit", "expected"),
    [
        (0, HUMAN, "0B"),
        (999, HUMAN, "999B"),
        (1000, HUMAN, "1.0Ki"),
        (9_084_928, HUMAN, "8.7Mi"),
        (340 * MIB, HUMAN, "340Mi"),
        (1023 * MIB, HUMAN, "1.0Gi"),
        (24_684_084 * 1024, HUMAN, "23Gi"),
        (24_684_084 * 1024, HUMAN._replace(base=1000), "25G"),
        (9_084_928, HUMAN._replace(base=1000), "9.1M"),
        (24_684_084 * 1024, Unit(2), "24105"),
        (24_684_084 * 1024, Unit(2, 1000), "25276"),
        (1023, Unit(1), "0"),
        (7, Unit(0), "7"),
        (-3 * GIB, HUMAN, "-3.0Gi"),
        (None, HUMAN, "-"),
    ],
)
def test_sizes_read_as_free_prints_them(size_bytes: int | None, unit: Unit, expected: str) -> None:
    """Human sizes have at most five characters, others are cut to a whole number of the unit."""
    assert size(size_bytes, unit) == expected


@given(st.integers(0, 2**70))
def test_a_human_size_is_short(size_bytes: int) -> None:
    """Columns rely on it: five characters up to the exbibyte, seven beyond."""
    assert len(size(size_bytes)) <= (5 if size_bytes < 2**60 * 900 else 7)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0s"),
        (0.25, "0.2s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m"),
        (61, "1m 1s"),
        (3600, "1h"),
        (12_000, "3h 20m"),
        (86_400 * 2 + 4 * 3600, "2d 4h"),
        (86_400 * 101, ">100d"),
        (-5, "-5s"),
        (None, "-"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float | None, expected: str) -> None:
    """A duration is rounded to what a person would say."""
    assert span(seconds) == expected


@pytest.mark.parametrize(
    ("bytes_per_second", "expected"),
    [(20.0 * MIB, "+20Mi/s"), (-1536.0, "-1.5Ki/s"), (0.4, "0"), (0.0, "0"), (None, "-")],
)
def test_growth_has_a_sign(bytes_per_second: float | None, expected: str) -> None:
    """Growth and its opposite are told apart, and not known is not zero."""
    assert rate(bytes_per_second) == expected


def test_ages_have_one_unit() -> None:
    """An age is a glance: `2m ago`, and what is this second is now."""
    assert [ago(0.5), ago(42.0), ago(130.0), ago(90_000.0)] == ["now", "42s ago", "2m ago", "1d ago"]


def test_shares_are_percentages() -> None:
    """A ratio of 0.974 reads 97%."""
    assert [share(0.974), share(None)] == ["97%", "-"]


@pytest.mark.parametrize("word", sorted(set(WORDS) - {"unknown"}))
def test_every_verdict_has_a_phrase(word: str) -> None:
    """Each word of the list but "unknown" gives a phrase that begins with it."""
    assert verdict_words(Verdict(word, Severity.INFO, 130.0)).startswith(word)


def test_a_verdict_carries_its_time() -> None:
    """Leaks say how long is left, kills how long ago, and a look without a past says only that it is fine now."""
    assert verdict_words(Verdict("leaking", Severity.WARNING, 245.0)) == "leaking: 4m left"
    assert verdict_words(Verdict("killed", Severity.CRITICAL, 130.0)) == "killed 2m ago"
    assert verdict_words(Verdict("killed", Severity.CRITICAL)) == "killed"
    assert verdict_words(Verdict("unknown", Severity.INFO)) == "ok now"


def test_a_kill_is_one_sentence() -> None:
    """Victim, place and limit are named; what the kernel did not tell is not made up."""
    kill = frames.kill("x.service")
    path = "/system.slice/x.service"
    assert kill_line(KillRow(130.0, kill)) == f"kernel OOM kill 2m ago: leaker (pid 812) in {path}, limit of {path}"
    host = kill._replace(limit_path=None, victim_path=None, comm="")
    assert kill_line(KillRow(1.0, host)) == "kernel OOM kill 1s ago: a process (pid 812), the host was out of memory"
    counted = kill._replace(pid=None, comm="")
    assert "victim not known (seen by a counter)" in kill_line(KillRow(1.0, counted))


def test_a_process_tree_is_told_apart_by_its_pid() -> None:
    """Ten shells are ten rows, so a process carries its pid; a unit's name is enough."""
    shell = frames.reading("bash")._replace(target=Target(PROCESS, "812@99341", "bash", "/"))
    seen = table(frames.now(shell, frames.reading("nginx.service")), "name")
    assert [label(row) for row in seen.services] == ["bash[812]", "nginx.service"]


def test_a_name_in_two_halves_ends_in_what_tells_it_apart() -> None:
    """A short name is whole; a long one keeps five characters before its unit's suffix."""
    assert halves("nginx.service") == ("nginx.service", "")
    assert halves("payments-api-7f9c4d5b6-x2x9z.service") == ("payments-api-7f9c4d5b6-", "x2x9z.service")
    assert halves("kubepods-burstable-pod12") == ("kubepods-burstable-", "pod12")


def test_counts_have_their_number() -> None:
    """One of a thing, and any other number of things."""
    assert [counted(number, "capture") for number in (0, 1, 2)] == ["0 captures", "1 capture", "2 captures"]


def test_a_kill_at_an_unnamed_limit_is_not_blamed_on_the_host() -> None:
    """What the log leaves out is said; only a kill for the host's sake is called one."""
    kill = frames.kill("a.service")._replace(victim_path=None)
    told = [kill_line(KillRow(5.0, kill._replace(limit_path=path))) for path in (UNNAMED_CGROUP, None)]
    assert told[0].endswith("leaker (pid 812) in a cgroup that the kernel log does not name")
    assert told[1].endswith("the host was out of memory")
