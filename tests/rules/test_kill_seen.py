"""A kill is told for five minutes, with its victim where the log gave one."""

from __future__ import annotations

from forestall.analyse.latch import Latch
from forestall.model.finding import Severity
from forestall.model.kill import UNNAMED_CGROUP
from forestall.rules.kill_seen import PLUGIN
from tests.support.frames import reading
from tests.support.judgement import kill_in, view

PATH = "/system.slice/a.service"


def test_a_kill_is_critical_and_names_the_victim() -> None:
    """Who was killed, at which limit, how often, and how large it was."""
    kill = kill_in(PATH, 90.0)
    seen = view(reading("a.service"), 100.0, kill_count=2, killed_boottime_seconds=90.0, kill=kill)
    finding = PLUGIN.check(seen, {"warning": Latch()})
    assert finding is not None
    assert finding.severity == Severity.CRITICAL
    assert finding.since_boottime_seconds == 90.0
    assert finding.summary == f"the kernel killed leaker (pid 812) at the limit of {PATH}; 2 times in five minutes"
    assert finding.evidence[0].signal == "kernel log"


def test_a_kill_known_from_the_counter_alone_has_no_victim() -> None:
    """Without /dev/kmsg it is said that there was one, and what betrayed it."""
    seen = view(reading("a.service"), 100.0, kill_count=1, killed_boottime_seconds=90.0)
    finding = PLUGIN.check(seen, {"warning": Latch()})
    assert finding is not None
    assert finding.summary == "the kernel killed a process"
    assert finding.evidence[0].signal == "oom_kill counter"


def test_a_kill_for_the_hosts_sake_says_so() -> None:
    """Where no cgroup's limit was hit, the host's memory was."""
    kill = kill_in(PATH, 90.0, limit_path=None)
    seen = view(reading("a.service"), 100.0, kill_count=1, killed_boottime_seconds=90.0, kill=kill)
    finding = PLUGIN.check(seen, {"warning": Latch()})
    assert finding is not None
    assert "at the host's memory" in finding.summary


def test_no_kill_no_finding() -> None:
    """A calm target has none."""
    assert PLUGIN.check(view(reading("a.service")), {"warning": Latch()}) is None


def test_a_kill_in_a_cgroup_without_a_name_is_not_the_hosts() -> None:
    """Where the log only tells that it was some cgroup's limit, that is said, and the sizes have plain names."""
    kill = kill_in(PATH, 90.0, limit_path=UNNAMED_CGROUP)
    seen = view(reading("a.service"), 100.0, kill_count=1, killed_boottime_seconds=90.0, kill=kill)
    finding = PLUGIN.check(seen, {"warning": Latch()})
    assert finding is not None
    assert finding.summary == "the kernel killed leaker (pid 812) in a cgroup that the kernel log does not name"
    assert [one.name for one in finding.evidence] == ["kills", "victim anon rss"]
