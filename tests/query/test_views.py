"""One table for all screens: the most urgent first, kills attributed, ages honest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.errors import Misuse
from forestall.model.finding import Finding, Severity
from forestall.model.frame import Reading
from forestall.model.kill import Kill
from forestall.model.target import CGROUP, CONTAINER, HOST, PROCESS, Target
from forestall.model.trend import NO_TREND, Trend
from forestall.query.now import Now
from forestall.query.views import SORTS, Table, below, host_row, table, worst
from tests.support import frames
from tests.support.frames import FLAT, GIB, LEAK, MIB


def names(seen: Table) -> list[str]:
    """The services in the table's order, without their suffix."""
    return [row.name.removesuffix(".service") for row in seen.services]


def three(leak: Trend = LEAK) -> Now:
    """A leaking, a full and a calm service."""
    return frames.now(
        frames.reading("calm.service", used_bytes=20 * MIB),
        frames.reading("full.service", used_bytes=480 * MIB),
        frames.reading("leaky.service", used_bytes=300 * MIB),
        calm_service=FLAT,
        full_service=FLAT,
        leaky_service=leak,
    )


def test_a_sure_and_short_forecast_comes_first() -> None:
    """A service with minutes left is above one that stands still near its limit, and that above a calm one."""
    assert names(table(three())) == ["leaky", "full", "calm"]


def test_an_unsure_forecast_does_not_move_a_row() -> None:
    """A guess is shown but orders nothing."""
    seen = table(three(LEAK._replace(confidence_ratio=0.5)))
    assert names(seen) == ["full", "leaky", "calm"]
    assert seen.services[1].seconds_left == 240.0


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("risk", ["leaky", "full", "calm"]),
        ("used", ["full", "leaky", "calm"]),
        ("headroom", ["full", "leaky", "calm"]),
        ("growth", ["leaky", "full", "calm"]),
        ("left", ["leaky", "full", "calm"]),
        ("limit", ["full", "leaky", "calm"]),
        ("name", ["calm", "full", "leaky"]),
    ],
)
def test_each_key_sorts(key: str, order: list[str]) -> None:
    """Every key puts first what one looks for by it; equal rows follow by use."""
    assert names(table(three(), key)) == order


def test_every_key_is_tried_above() -> None:
    """The list of keys is the one that the test of their order knows."""
    assert set(SORTS) == {"risk", "used", "limit", "headroom", "growth", "left", "name"}


def test_an_unknown_key_is_a_misuse() -> None:
    """A key that is not there is refused with those that are."""
    with pytest.raises(Misuse, match="one of risk, used"):
        table(three(), "size")


@given(st.lists(st.integers(0, 600), min_size=2, max_size=8), st.floats(0, 1))
def test_risk_is_a_share_and_orders_the_rows(used_mib: list[int], confidence_ratio: float) -> None:
    """Whatever is used, risk lies between 0 and 1 and never rises down the table."""
    readings = tuple(frames.reading(f"s{i}.service", used_bytes=mib * MIB) for i, mib in enumerate(used_mib))
    seen = table(frames.now(*readings, s0_service=LEAK._replace(confidence_ratio=confidence_ratio)))
    risks = [row.risk_ratio for row in seen.services]
    assert all(0 <= risk <= 1 for risk in risks)
    assert risks == sorted(risks, reverse=True)


def test_the_deciding_level_has_a_readable_name() -> None:
    """The own cgroup is "own", others keep their path, the host its name."""
    seen = table(
        frames.now(
            frames.reading("a.service"),
            frames.reading("b.service", limit_own=False, limit_level="/system.slice"),
            frames.reading("c.service", limit_own=False, limit_level="host"),
        ),
        "name",
    )
    assert [row.level for row in seen.services] == ["own", "/system.slice", "host"]


def test_growth_is_unknown_without_a_trend() -> None:
    """A live look has no past: growth is not known, which is not zero."""
    seen = table(frames.now(frames.reading("a.service"), frames.reading("b.service"), a_service=NO_TREND))
    assert [row.growth_bytes_per_second for row in seen.services] == [None, None]


def test_the_host_is_no_service() -> None:
    """A reading of the host itself is in the header, not among the rows."""
    host = frames.reading("host")._replace(target=Target(HOST, "b00t", "host"))
    assert names(table(frames.now(host, frames.reading("a.service")))) == ["a"]


def attributed(kill: Kill, reading: Reading) -> bool:
    """Whether the verdict on that reading is the kill."""
    return table(frames.now(reading, kills=(kill,))).services[0].verdict.word == "killed"


def test_a_kill_belongs_to_the_service_it_happened_in() -> None:
    """A service is killed by a kill in its cgroup or below it, and by no neighbour's whose name only begins alike."""
    api = frames.reading("api.service")
    below_it = frames.kill("api.service")._replace(victim_path="/system.slice/api.service/worker", limit_path=None)
    assert attributed(frames.kill("api.service"), api)
    assert attributed(below_it, api)
    assert not attributed(frames.kill("api.service2"), api)
    assert not attributed(frames.kill("api.service"), api._replace(target=Target(CONTAINER, "c", "c", "")))


def test_a_process_tree_is_not_killed_by_its_neighbours() -> None:
    """A tree shares its cgroup with others, so a kill there says nothing of it."""
    tree = frames.reading("x")._replace(target=Target(PROCESS, "5@9", "bash", "/system.slice/api.service"))
    assert not attributed(frames.kill("api.service"), tree)


def test_a_slice_owns_only_the_kills_of_its_own_limit() -> None:
    """The root and slices are not killed by what happens in the services below them."""
    root = frames.reading("x")._replace(target=Target(CGROUP, "/#1", "/", "/"))
    slice_ = frames.reading("x")._replace(target=Target(CGROUP, "/system.slice#2", "system.slice", "/system.slice"))
    assert not attributed(frames.kill("api.service"), root)
    assert not attributed(frames.kill("api.service"), slice_)
    assert attributed(frames.kill("api.service")._replace(limit_path="/system.slice"), slice_)


def test_kills_are_listed_for_an_hour_the_latest_first() -> None:
    """What happened longer ago is history; the age of the frame counts."""
    kills = tuple(frames.kill("a.service", at_boottime_seconds=at) for at in (6_390.0, 9_000.0, 9_999.0))
    seen = table(frames.now(kills=kills), age_seconds=5.0)
    assert [row.seconds_ago for row in seen.kills] == [6.0, 1005.0]


def test_a_silent_agent_is_late() -> None:
    """After three intervals without a frame the numbers are old, and a live look never is."""
    assert not table(frames.now(), age_seconds=29.0).late
    assert table(frames.now(), age_seconds=31.0).late
    assert not table(frames.now()._replace(health=None), age_seconds=31.0).late


def test_the_host_counts_as_free_does() -> None:
    """used = total - available, cache with reclaimable slab, low memory is all of it where there is no high memory."""
    row = host_row(frames.HOST)
    assert row.used_bytes == 3 * GIB
    assert row.cache_bytes == 3 * GIB + 200 * MIB
    assert row.swap_used_bytes == 64 * MIB
    assert (row.low_total_bytes, row.high_total_bytes) == (8 * GIB, 0)
    split = host_row(frames.HOST._replace(low_total_bytes=GIB, low_free_bytes=MIB))
    assert (split.high_total_bytes, split.high_free_bytes) == (7 * GIB, 2 * GIB - MIB)


def test_odd_numbers_never_become_negative_sizes() -> None:
    """Available above total (seen in containers) and swap being switched off give zero, not less."""
    row = host_row(frames.HOST._replace(available_bytes=9 * GIB, swap_total_bytes=0))
    assert (row.used_bytes, row.swap_used_bytes) == (0, 0)


def test_the_worst_is_over_services_and_findings() -> None:
    """A finding on the host counts although no row shows it."""
    host = Finding("host_low", Target(HOST, "b00t", "host"), Severity.CRITICAL, "low", (), 1.0)
    calm = frames.now(frames.reading("a.service"))
    assert worst(table(calm)) == Severity.INFO
    assert worst(table(calm._replace(findings=(host,)))) == Severity.CRITICAL


def test_findings_stand_in_their_targets_row() -> None:
    """Each row carries the findings of its identity."""
    reading = frames.reading("a.service")
    finding = Finding("cgroup_near_limit", reading.target, Severity.WARNING, "near", (), 1.0)
    seen = table(frames.now(reading, frames.reading("b.service"))._replace(findings=(finding,)), "name")
    assert [row.findings for row in seen.services] == [(finding,), ()]


@pytest.mark.parametrize(
    ("path", "ancestor", "expected"),
    [("/a", "/a", True), ("/a/b", "/a", True), ("/ab", "/a", False), ("/a", "/", True), ("", "/", False)],
)
def test_below_compares_whole_names(path: str, ancestor: str, expected: bool) -> None:
    """A path is below another by its components, not by its letters."""
    assert below(path, ancestor) is expected
