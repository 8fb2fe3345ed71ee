"""What is remembered of one target: restarts, gaps, kills, and whom a kill concerns."""

from __future__ import annotations

import pytest

from forestall.engine.watched import History, Watched, concerns, shared
from forestall.model.kill import FROM_COUNTER
from forestall.model.target import CGROUP, HOST, PROCESS, Target
from forestall.model.trend import LEAKING, NO_TREND, STEADY, Trend
from tests.support.frames import MIB, reading
from tests.support.judgement import EXAMPLE, kill_in, policy

PATH = "/system.slice/a.service"


def seen(seconds: int = 30) -> Watched:
    """A target watched once a second for a while."""
    watched = Watched(5)
    for second in range(seconds):
        watched.take(reading("a.service", used_bytes=second * MIB), (), float(second), 1.0)
    return watched


def test_a_restart_begins_a_new_series() -> None:
    """A later start of the same target is another life: no slope reaches over it."""
    watched = seen()
    watched.take(reading("a.service", used_bytes=MIB, start_seconds=9_000.0), (), 30.0, 1.0)
    assert watched.history.series.samples == 1


def test_a_gap_of_more_than_three_intervals_begins_a_new_series() -> None:
    """Thirty seconds are the least that is a gap, whatever the pace; at a pace of 20 s it is a minute."""
    for interval, silence, samples in ((1.0, 30.0, 31), (1.0, 30.1, 1), (20.0, 59.0, 31), (20.0, 61.0, 1)):
        watched = seen()
        watched.take(reading("a.service"), (), 29.0 + silence, interval)
        assert watched.history.series.samples == samples


def test_a_gap_begins_every_for_and_every_hold_anew() -> None:
    """What has fired stays fired, what was waiting waits again."""
    watched = seen()
    step = watched.ladder(EXAMPLE)[0]
    step.since[(0,)] = 10.0
    step.fired = True
    watched.latches[0]["warning"].feed(1.0, 29.0, raise_above=0.0, clear_below=0.0, hold_seconds=40.0)
    watched.take(reading("a.service"), (), 100.0, 1.0)
    assert step.since == {}
    assert step.fired
    assert not watched.latches[0]["warning"].feed(1.0, 100.0, raise_above=0.0, clear_below=0.0, hold_seconds=40.0)


def test_a_kill_inside_begins_a_new_series() -> None:
    """What is missing afterwards was not given back, so it is neither a fall nor a tooth."""
    watched = seen()
    watched.take(reading("a.service", kills=1), (), 30.0, 1.0)
    assert watched.history.series.samples == 1
    assert watched.kill_count(30.0) == 1


def test_log_and_counter_tell_of_one_kill() -> None:
    """The same kill told twice counts once, and a kill told again at the next tick does not count again."""
    watched = seen()
    kill = kill_in(PATH, 29.9)
    watched.take(reading("a.service", kills=1), (kill,), 30.0, 1.0)
    watched.take(reading("a.service", kills=1), (kill,), 31.0, 1.0)
    assert watched.kill_count(31.0) == 1
    assert (watched.last_kill, watched.killed_at) == (kill, 30.0)
    assert watched.kill_count(400.0) == 0


def test_a_changed_policy_begins_with_every_step_armed() -> None:
    """The same policy, even if it was read anew, keeps its memory."""
    watched = seen()
    watched.ladder(EXAMPLE)[1].fired = True
    assert watched.ladder(EXAMPLE._replace())[1].fired
    assert [step.fired for step in watched.ladder(policy(("used > 1MiB", ["notify"])))] == [False]


def test_a_trend_is_judged_once_a_second_at_most() -> None:
    """Samples every 20 ms do not cost fifty judgements."""
    history, judgements, before = History(), 0, NO_TREND
    for number in range(500):
        history.take(number * MIB, 5000 * MIB, number * 0.02)
        judgements += history.trend is not before
        before = history.trend
    assert 2 <= judgements <= 10


@pytest.mark.parametrize(
    ("target", "path", "concerned"),
    [
        (Target(CGROUP, "/a#1", "a", "/a"), "/a", True),
        (Target(CGROUP, "/a#1", "a", "/a"), "/a/b", True),
        (Target(CGROUP, "/a#1", "a", "/a"), "/ab", False),
        (Target(CGROUP, "/a/b#1", "b", "/a/b"), "/a", False),
        (Target(CGROUP, "/#1", "/", "/"), "/a", True),
        (Target(HOST, "b00t", "host"), "/a", False),
        (Target(PROCESS, "812@5", "leaker"), "/a", True),
        (Target(PROCESS, "81@5", "other"), "/a", False),
    ],
)
def test_a_kill_concerns_the_cgroup_and_those_above_it(target: Target, path: str, concerned: bool) -> None:
    """By whole path components; the host only by its own lack, a process tree by the death of its leader."""
    assert concerns(kill_in(path, 1.0), target) is concerned


def test_the_victim_of_a_parents_limit_concerns_its_own_cgroup() -> None:
    """Killed at /apps, lived in /apps/a: both are concerned, the sibling is not."""
    kill = kill_in("/apps", 1.0, victim_path="/apps/a")
    assert concerns(kill, Target(CGROUP, "/apps/a#1", "a", "/apps/a"))
    assert concerns(kill, Target(CGROUP, "/apps#1", "apps", "/apps"))
    assert not concerns(kill, Target(CGROUP, "/apps/b#1", "b", "/apps/b"))


def test_a_global_kill_concerns_the_host() -> None:
    """Only the kernel log tells that no limit was hit; a bare counter does not."""
    host = Target(HOST, "b00t", "host")
    assert concerns(kill_in("/a", 1.0, limit_path=None), host)
    assert not concerns(kill_in("/a", 1.0, limit_path=None, source=FROM_COUNTER), host)


OWN = Trend(1.0, None, None, None, 0.0, STEADY, 60.0, 60, 1.0)
LEVEL = Trend(9.0, 100.0, 90.0, 110.0, 0.9, LEAKING, 120.0, 120, 10.0)


def test_a_busy_siblings_forecast_is_shared() -> None:
    """The time left is the shared level's, the growth and the shape remain the target's own."""
    both = shared(OWN, LEVEL)
    assert (both.time_to_limit_seconds, both.confidence_ratio) == (100.0, 0.9)
    assert (both.growth_bytes_per_second, both.shape) == (1.0, STEADY)


def test_the_sooner_confident_forecast_stands() -> None:
    """An own forecast that is as sure and sooner is kept, and so is one that is surer."""
    sooner = LEVEL._replace(time_to_limit_seconds=50.0)
    assert shared(sooner, LEVEL) is sooner
    assert shared(OWN, LEVEL._replace(time_to_limit_seconds=None)) is OWN
    surer = LEVEL._replace(time_to_limit_seconds=500.0, confidence_ratio=0.95)
    assert shared(surer, LEVEL) is surer
