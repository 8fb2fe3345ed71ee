"""Whole runs through one function: what the design's example policy sees in the shapes that services make."""

from __future__ import annotations

import random

import pytest

from forestall.engine.ladder import STEP, WITHHELD
from forestall.engine.tick import FORGET_SECONDS, State, grows_fastest
from forestall.model.finding import Finding
from forestall.model.frame import Reading
from tests.support import shapes
from tests.support.frames import MIB, reading
from tests.support.judgement import EXAMPLE, LIMIT, host, kill_in, moment, played, policy, tick
from tests.support.shapes import Shape

STOP = policy(("used > 92% of limit", ["terminate"]))


def steps(shape: Shape, until_seconds: float, interval_seconds: float = 0.1) -> list[tuple[float, int]]:
    """When which step of the example policy fires."""
    return [
        (time, finding.step)
        for time, finding in played(shape, until_seconds, interval_seconds=interval_seconds)
        if finding.rule == STEP
    ]


@pytest.mark.parametrize("mib_per_second", [5.0, 20.0, 100.0])
def test_a_leak_is_told_and_stopped_before_the_limit(mib_per_second: float) -> None:
    """Both steps fire, the milder one first, the stop before the limit is met and not before 70 % of it."""
    meets = (LIMIT - 20 * MIB) / (mib_per_second * MIB)
    fired = steps(shapes.leak(20 * MIB, mib_per_second * MIB), meets, interval_seconds=0.02)
    assert [step for _, step in fired][-1] == 1
    stop = fired[-1][0]
    assert 0.65 * LIMIT < 20 * MIB + stop * mib_per_second * MIB < 0.96 * LIMIT
    if mib_per_second <= 20.0:
        assert [step for _, step in fired] == [0, 1]
        assert fired[0][0] < 0.6 * meets


@pytest.mark.parametrize(
    "shape",
    [
        shapes.step(0.05 * LIMIT, 0.60 * LIMIT, 5.0, 3.0),
        shapes.spike(0.30 * LIMIT, 0.90 * LIMIT, 5.0, 3.0, 2.0),
        shapes.sawtooth(0.40 * LIMIT, 0.75 * LIMIT, 4.0),
        lambda _: 0.05 * LIMIT,
    ],
    ids=["step to 60 %", "spike to 90 %", "saw-tooth", "page cache, which is not use"],
)
def test_the_innocent_are_never_stopped(shape: Shape) -> None:
    """Under the same policy no stop fires in three minutes, at a guard's pace."""
    assert [step for _, step in steps(shape, 180.0) if step == 1] == []


def test_findings_of_rules_stand_and_steps_are_given_once() -> None:
    """A rule's finding is repeated with the same beginning; a step's appears at one tick."""
    found = [finding for _, finding in played(lambda _: 0.95 * LIMIT, 60.0, interval_seconds=1.0)]
    near = [finding for finding in found if finding.rule == "cgroup_near_limit"]
    assert len(near) > 50
    assert {finding.since_boottime_seconds for finding in near[:20]} == {1000.0}
    assert sorted(finding.step for finding in found if finding.rule == STEP) == [0, 1]


def test_the_same_frames_give_the_same_findings() -> None:
    """Nothing but the frames decides."""
    shape = shapes.collected_leak(0.1 * LIMIT, MIB, 0.2, 15.0)
    first = list(played(shape, 200.0, seed=4))
    assert first
    assert first == list(played(shape, 200.0, seed=4))


def test_forget_arms_every_step_and_begins_a_new_series() -> None:
    """After a restart of its own the guard sees a new life."""
    state = State()
    one = reading("a.service", used_bytes=int(0.95 * LIMIT), limit_bytes=LIMIT)
    policies = {one.target.identity: STOP}

    def fires(second: float) -> bool:
        return any(found.rule == STEP for found in tick(state, second, one, policies=policies).findings)

    assert [fires(1.0), fires(2.0)] == [True, False]
    state.forget(one.target.identity)
    assert fires(3.0)
    assert state.targets[one.target.identity].history.series.samples == 1


def test_put_off_offers_the_step_again() -> None:
    """A refused step comes back when the brake lets go, under the name of its policy."""
    state = State()
    one = reading("a.service", used_bytes=int(0.95 * LIMIT), limit_bytes=LIMIT)
    policies = {one.target.identity: STOP}
    tick(state, 1.0, one, policies=policies)
    state.put_off(one.target.identity, 0, 5.0)
    state.put_off("unknown", 0, 5.0)
    state.put_off(one.target.identity, 7, 5.0)
    assert not [found for found in tick(state, 4.0, one, policies=policies).findings if found.policy]
    assert [found.rule for found in tick(state, 5.0, one, policies=policies).findings if found.policy] == ["step-again"]


def test_what_is_not_read_any_more_is_forgotten() -> None:
    """Ten minutes after the last reading nothing of a target or of its level is kept."""
    state = State()
    for number in range(50):
        tick(state, float(number), shared_reading(f"{number}.service", 100 * MIB, 200 * MIB, f"/p{number}"))
    tick(state, 60.0 + FORGET_SECONDS, reading("stays.service"))
    assert set(state.targets) == {"/system.slice/stays.service#7", moment(0).boot_id}
    assert state.levels == {}


def test_the_host_is_judged_in_every_frame() -> None:
    """Without a reading of its own the host is taken from the frame; its trend has its boot id."""
    ticked = tick(State(), 5.0, host=host(headroom_bytes=100 * MIB))
    assert [finding.rule for finding in ticked.findings] == ["host_low"]
    assert list(ticked.trends) == [moment(0).boot_id]


def test_a_kill_is_found_in_its_target() -> None:
    """The log's kill stands as a finding of the cgroup it happened in, and of no other."""
    found = tick(
        State(),
        100.0,
        reading("a.service"),
        reading("b.service"),
        kills=(kill_in("/system.slice/a.service", 99.0),),
    ).findings
    assert [(finding.rule, finding.target.name) for finding in found] == [("kill_seen", "a.service")]


# -- limits that are not the target's own ---------------------------------------------------------------------


def shared_reading(name: str, used: float, level_used: float, path: str = "/apps", limit: float = LIMIT) -> Reading:
    """A service that shares the limit of `path` with others."""
    headroom = int(limit - level_used)
    return reading(
        name,
        used_bytes=int(used),
        limit_bytes=int(used) + headroom,
        headroom_bytes=headroom,
        limit_level=path,
        limit_own=False,
        level_used_bytes=int(level_used),
    )


def siblings(seconds: int, quiet: float, busy_per_second: float, state: State) -> list[Finding]:
    """A quiet service beside a busy one below one limit, once a second, both under a policy that stops."""
    found: list[Finding] = []
    for second in range(seconds):
        busy = 20 * MIB + busy_per_second * second
        level = min(quiet + busy, LIMIT - 1.0)
        ones = (shared_reading("quiet.service", quiet, level), shared_reading("busy.service", busy, level))
        policies = {one.target.identity: STOP for one in ones}
        found += tick(state, float(second), *ones, policies=policies).findings
    return found


def test_only_the_fastest_grower_below_a_shared_limit_is_stopped() -> None:
    """The busy sibling is stopped; the quiet one, whose headroom it eats, is not, and that is said once."""
    found = siblings(80, 200 * MIB, 3.7 * MIB, State())
    stops = [finding.target.name for finding in found if finding.rule == STEP]
    withheld = [finding for finding in found if finding.rule == WITHHELD]
    assert stops == ["busy.service"]
    assert [finding.target.name for finding in withheld] == ["quiet.service"]
    assert "/apps" in withheld[0].summary


def test_of_two_that_grow_the_lesser_is_not_stopped() -> None:
    """Less than half of the growth below a shared limit is no fault."""
    state = State()
    found: list[Finding] = []
    for second in range(60):
        small, large = (100 + 1.5 * second) * MIB, (100 + 4.0 * second) * MIB
        level = min(small + large, LIMIT - 1.0)
        ones = (shared_reading("small.service", small, level), shared_reading("large.service", large, level))
        nearly_full = policy(("headroom < 40MiB", ["terminate"]))
        found += tick(state, float(second), *ones, policies={one.target.identity: nearly_full for one in ones}).findings
    assert [finding.target.name for finding in found if finding.rule == STEP] == ["large.service"]


def test_a_busy_sibling_shows_as_time_to_limit() -> None:
    """The quiet one's trend tells when the shared limit is met, with its own growth of nought; only the busy one
    is found by the rule.
    """
    state = State()
    found = siblings(60, 200 * MIB, 3 * MIB, state)
    quiet = reading("quiet.service").target.identity
    ones = [shared_reading("quiet.service", 200 * MIB, 220 * MIB + 180 * MIB)]
    trend = tick(state, 60.0, *ones).trends[quiet]
    assert trend.time_to_limit_seconds == pytest.approx((LIMIT - 400 * MIB) / (3 * MIB), rel=0.15)
    assert trend.growth_bytes_per_second == pytest.approx(0.0, abs=0.01 * MIB)
    assert {finding.target.name for finding in found if finding.rule == "time_to_limit"} == {"busy.service"}


def test_without_a_past_nobody_grows_fastest() -> None:
    """As long as ten seconds are not known, a shared limit warrants no stop."""
    state = State()
    one = shared_reading("a.service", 100 * MIB, 500 * MIB)
    found = tick(state, 1.0, one, policies={one.target.identity: policy(("headroom < 50MiB", ["terminate"]))}).findings
    assert [finding.rule for finding in found if finding.policy] == [WITHHELD]
    assert not grows_fastest(State(), one)


def test_the_hosts_policy_stops_the_fastest_growing_victim() -> None:
    """Of the services that may be stopped for the host's sake the one that grows most, never another."""
    state = State()
    rates = {"db.service": 9.0, "batch.service": 3.0, "cache.service": 1.0}
    host_policy = policy(("headroom < 1GiB", ["terminate"]), match="host")
    found: list[Finding] = []
    for second in range(30):
        ones = [
            shared_reading(name, 50 * MIB + rate * second * MIB, 7168 * MIB, "host", 8192 * MIB)
            for name, rate in rates.items()
        ]
        policies = {one.target.identity: policy(victim=one.target.name != "db.service", match="v") for one in ones}
        policies[moment(0).boot_id] = host_policy
        low = host(headroom_bytes=(2000 if second < 25 else 900) * MIB)
        found += tick(state, float(second), *ones, policies=policies, host=low).findings
    fired = [finding for finding in found if finding.rule == STEP]
    assert [(finding.target.name, finding.policy) for finding in fired] == [("batch.service", "host")]


def test_a_host_without_victims_stops_nobody() -> None:
    """It is said why, once."""
    state = State()
    policies = {moment(0).boot_id: policy(("headroom < 1GiB", ["terminate"]), match="host")}
    found: list[Finding] = []
    for second in range(5):
        found += tick(state, float(second), policies=policies, host=host(headroom_bytes=500 * MIB)).findings
    assert [finding.rule for finding in found if finding.policy] == [WITHHELD]
    assert "victim = true" in next(finding.summary for finding in found if finding.policy)


def test_a_refused_step_of_the_host_is_offered_again_by_its_policy() -> None:
    """The refusal names the victim; the step's memory is the host's."""
    state = State()
    boot = moment(0).boot_id
    host_policy = policy(("headroom < 1GiB", ["notify"]), match="host")
    low = host(headroom_bytes=500 * MIB)
    one = reading("a.service")
    tick(state, 1.0, one, policies={boot: host_policy}, host=low)
    state.put_off(one.target.identity, 0, 3.0, "host")
    again = tick(state, 3.0, one, policies={boot: host_policy}, host=low).findings
    assert [finding.rule for finding in again if finding.policy] == ["step-again"]


def test_a_thousand_random_frames_raise_nothing() -> None:
    """Whatever order and sizes readings come in, a tick gives findings and no exception."""
    dice, state = random.Random(9), State()
    time = 0.0
    for _ in range(1000):
        time += dice.choice([0.02, 1.0, 10.0, 100.0])
        ones = [
            shared_reading(
                f"{number}.service", dice.random() * LIMIT, dice.random() * LIMIT, dice.choice(["/a", "host"])
            )
            for number in range(dice.randrange(4))
        ]
        ticked = tick(state, time, *ones, policies={one.target.identity: EXAMPLE for one in ones})
        assert len(ticked.trends) == len(ones) + 1
