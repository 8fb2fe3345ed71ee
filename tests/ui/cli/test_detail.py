"""One target with every number, where it comes from, and what is not known said as such."""

from __future__ import annotations

from forestall.model.finding import Evidence, Finding, Severity
from forestall.query.now import Now
from forestall.query.views import table
from forestall.ui.cli.detail import detail
from forestall.ui.words import HUMAN
from tests.support import frames
from tests.support.frames import FLAT, GIB, LEAK, MIB


def shown(now: Now) -> dict[str, str]:
    """The lines of the first row by their label."""
    seen = table(now)
    lines = detail(seen.services[0], seen, HUMAN, colour=False)
    return {line[:14].strip(): line[14:] for line in lines[1:]} | {"": lines[0]}


def test_a_leak_shows_its_forecast_with_interval_and_confidence() -> None:
    """The verdict stands first; growth and time left carry the evidence behind them."""
    lines = shown(frames.now(frames.reading("api.service", used_bytes=302 * MIB), api_service=LEAK))
    assert lines[""] == "api.service: leaking: 4m left"
    assert lines["growth"] == "+20Mi/s, leaking for 1m (60 samples, scale 1s)"
    assert lines["time left"] == "4m (3m 20s to 5m), confident: 95%"
    assert lines["used"] == "302Mi, 59% of the limit; cannot be reclaimed"
    assert lines["made of"] == "anon 302Mi, file 10Mi, shmem 0B, kernel 1.0Mi, sock 0B"


def test_a_limit_from_above_is_named_with_its_use() -> None:
    """When a parent decides, its path and what is used there are told, and that there is no own limit."""
    reading = frames.reading(
        "api.service", limit_own=False, limit_level="/system.slice", level_used_bytes=GIB, own_limit_bytes=None
    )
    lines = shown(frames.now(reading))
    assert lines["limit"] == "512Mi = used + headroom, decided by /system.slice (in use there: 1.0Gi)"
    assert lines["own limit"] == "none"


def test_what_is_not_known_is_not_zero() -> None:
    """Counters and pressure that this kernel does not give are a dash or a reason."""
    reading = frames.reading(
        "x.service", peak_bytes=None, near_misses=None, kills=None, pids=None, pressure=None, anon_bytes=None,
        file_bytes=None, shmem_bytes=None, kernel_bytes=None, sock_bytes=None,
    )  # fmt: skip
    lines = shown(frames.now(reading))
    assert {lines[name] for name in ("peak", "near misses", "kernel kills", "processes", "made of")} == {"-"}
    assert lines["stalled"] == "not known (no pressure file for this target)"
    assert lines["growth"] == lines["time left"] == "not known yet"


def test_a_steady_service_is_not_growing() -> None:
    """With a trend but no forecast, the time left says why there is none."""
    assert (
        shown(frames.now(frames.reading("x.service"), x_service=FLAT))["time left"] == "not growing towards the limit"
    )


def test_findings_carry_their_evidence() -> None:
    """Each number of a finding is printed in its unit, with the signal it came from."""
    reading = frames.reading("x.service")
    evidence = (
        Evidence("used", 410.0 * MIB, "bytes", "memory.stat"),
        Evidence("share", 0.8, "ratio", "limit"),
        Evidence("held", 30.0, "seconds", "ticks"),
        Evidence("kills", 2.0, "count", "memory.events"),
    )
    finding = Finding("cgroup_near_limit", reading.target, Severity.WARNING, "near its limit", evidence, 1.0)
    bare = finding._replace(summary="so", evidence=())
    seen = table(frames.now(reading)._replace(findings=(finding, bare)))
    lines = detail(seen.services[0], seen, HUMAN, colour=False)
    numbers = "used 410Mi from memory.stat, share 80% from limit, held 30s from ticks, kills 2 from memory.events"
    assert lines[-2:] == [
        f"finding       near its limit ({numbers}) [cgroup_near_limit]",
        "finding       so [cgroup_near_limit]",
    ]


def test_its_kills_and_no_others_are_listed() -> None:
    """The kills of this target end its description; a neighbour's do not appear."""
    kills = (frames.kill("x.service"), frames.kill("y.service"))
    seen = table(frames.now(frames.reading("x.service"), kills=kills))
    lines = detail(seen.services[0], seen, HUMAN, colour=True)
    assert [line for line in lines if "kernel OOM kill" in line] == [
        "kernel OOM kill 2m ago: leaker (pid 812) in /system.slice/x.service, limit of /system.slice/x.service"
    ]
    assert lines[0] == "\x1b[1;31mx.service: killed 2m ago\x1b[0m"
