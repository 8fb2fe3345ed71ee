"""Steps: firing once, being armed again, being withheld, being put off."""

from __future__ import annotations

from forestall.engine.conditions import Facts
from forestall.engine.ladder import STEP, STEP_AGAIN, WITHHELD, climb
from forestall.engine.pace import TIME_LEFT_NOW
from forestall.engine.watched import StepMemory
from forestall.model.finding import Finding, Severity
from forestall.model.policy import Policy
from forestall.model.target import Target
from forestall.model.trend import NO_TREND
from tests.support.frames import MIB, reading
from tests.support.judgement import LIMIT, policy

STOP = policy(("used > 92% of limit", ["terminate"]))
TELL = policy(("used > 80% of limit for 30s", ["notify"]))
TARGET = reading("a.service").target


def facts(used_ratio: float, now: float, rate: float | None = None) -> Facts:
    """A target at that share of its limit."""
    one = reading("a.service", used_bytes=int(used_ratio * LIMIT), limit_bytes=LIMIT)
    return Facts(one, NO_TREND, None, rate, (), None, now)


class Climber:
    """One policy against one target, look by look."""

    def __init__(self, ladder: Policy, victim: Target | None = TARGET) -> None:
        self.policy = ladder
        self.memories = [StepMemory() for _ in ladder.steps]
        self.victim = victim

    def look(self, used_ratio: float, now: float) -> list[Finding]:
        """What fires."""
        return list(climb(self.policy, self.memories, facts(used_ratio, now), self.victim, "others grow faster"))

    def fires(self, used_ratio: float, now: float) -> bool:
        """Whether a step fires, or fires again."""
        return any(finding.rule in (STEP, STEP_AGAIN) for finding in self.look(used_ratio, now))


def test_a_step_fires_once() -> None:
    """However long its condition holds."""
    climber = Climber(STOP)
    assert [climber.fires(0.95, float(second)) for second in range(100)] == [True, *[False] * 99]


def test_it_is_armed_after_a_minute_at_5_percent_below() -> None:
    """Just below the level does not count, and a look above the eased level begins the minute anew."""
    climber = Climber(STOP)
    climber.fires(0.95, 0.0)
    for second in range(1, 100):
        climber.look(0.90, float(second))
    assert not climber.fires(0.95, 100.0)
    for second in range(101, 161):
        climber.look(0.80, float(second))
    climber.look(0.90, 161.0)
    for second in range(162, 222):
        climber.look(0.80, float(second))
    assert not climber.fires(0.95, 222.0)
    for second in range(223, 284):
        climber.look(0.80, float(second))
    assert climber.fires(0.95, 284.0)


def test_for_is_part_of_the_condition() -> None:
    """Thirty seconds above the level, then it fires, with since when it has held."""
    climber = Climber(TELL)
    assert not any(climber.fires(0.85, float(second)) for second in range(30))
    (finding,) = climber.look(0.85, 30.0)
    assert (finding.rule, finding.severity, finding.step) == (STEP, Severity.WARNING, 0)
    assert finding.policy == "unit:*"
    assert "435.2 MiB of 512 MiB (85%)" in finding.summary


def test_a_stop_of_the_wrong_one_is_withheld_and_said_once() -> None:
    """Nobody to hit: one finding that says why, and no step."""
    climber = Climber(STOP, victim=None)
    (said,) = climber.look(0.95, 0.0)
    assert (said.rule, said.severity) == (WITHHELD, Severity.INFO)
    assert said.summary.endswith("withheld: others grow faster")
    assert not any(climber.look(0.95, float(second)) for second in range(1, 60))


def test_a_withheld_step_fires_as_soon_as_there_is_someone_to_hit() -> None:
    """Withholding is no firing: when the target becomes the fastest grower it is stopped."""
    climber = Climber(STOP, victim=None)
    climber.look(0.95, 0.0)
    climber.victim = TARGET
    assert climber.fires(0.95, 1.0)


def test_what_can_be_undone_is_never_withheld() -> None:
    """To notify, nobody needs to be at fault."""
    climber = Climber(policy(("used > 80% of limit", ["notify"])), victim=None)
    assert climber.fires(0.85, 0.0)


def test_a_step_of_the_host_hits_its_victim() -> None:
    """The finding names the service that is to be stopped, under the host's policy."""
    other = reading("greedy.service").target
    (finding,) = Climber(STOP, victim=other).look(0.95, 0.0)
    assert (finding.target, finding.policy) == (other, "unit:*")


def test_a_step_that_was_put_off_fires_again_if_it_still_holds() -> None:
    """Not before its time, once, and not when the condition is gone."""
    climber = Climber(STOP)
    climber.look(0.95, 0.0)
    climber.memories[0].put_off_until = 50.0
    assert not climber.fires(0.95, 49.0)
    assert not climber.fires(0.80, 51.0)
    (again,) = climber.look(0.95, 52.0)
    assert again.rule == STEP_AGAIN
    assert not climber.fires(0.95, 53.0)


def test_the_evidence_tells_the_time_left_at_the_present_rate() -> None:
    """What is too fast for a trend still bounds the grace: headroom over the growth of the last second."""
    (finding,) = climb(STOP, [StepMemory()], facts(0.95, 0.0, 100.0 * MIB), TARGET, "")
    left = {number.name: number.value for number in finding.evidence}[TIME_LEFT_NOW]
    assert abs(left - 0.256) < 0.001
