"""The trend on the shapes that services make: what must be foreseen, and what must never look like a leak."""

from __future__ import annotations

import random

import pytest

from forestall.analyse.trend import judge
from forestall.model.series import Series
from forestall.model.trend import (
    CONFIDENT_RATIO,
    FALLING,
    GROWING,
    LEAKING,
    NO_TREND,
    SAW_TOOTH,
    STEADY,
    WARMING,
    Trend,
)
from tests.support import shapes
from tests.support.shapes import MIB, Shape

LIMIT = 512 * MIB

Judged = list[tuple[float, Trend]]


def judged(
    shape: Shape,
    until_seconds: float,
    *,
    interval_seconds: float = 1.0,
    noise_ratio: float = 0.005,
    seed: int = 0,
    limit_bytes: float = LIMIT,
    every_seconds: float = 1.0,
) -> Judged:
    """The trends that a watcher of the shape sees, at most one each `every_seconds`."""
    series, due, found = Series(), 0.0, []
    for time, value in shapes.samples(
        shape, until_seconds=until_seconds, interval_seconds=interval_seconds, noise_ratio=noise_ratio, seed=seed
    ):
        series.append(time, value)
        if time >= due:
            found.append((time, judge(series, limit_bytes, time)))
            due = time + every_seconds
    return found


def confident(trends: Judged) -> Judged:
    """Those that are sure of a time."""
    return [(time, trend) for time, trend in trends if trend.confidence_ratio >= CONFIDENT_RATIO]


@pytest.mark.parametrize("noise_ratio", [0.0, 0.005])
@pytest.mark.parametrize("interval_seconds", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("leak_seconds", [150.0, 300.0, 900.0])
@pytest.mark.parametrize("calm_seconds", [0.0, 250.0])
def test_a_leak_is_foreseen_a_minute_before_the_limit(
    calm_seconds: float, leak_seconds: float, interval_seconds: float, noise_ratio: float
) -> None:
    """From 90 to 60 s before the limit every trend is confident, and its time is within a fifth of the truth."""
    start = 0.1 * LIMIT
    shape = shapes.after(calm_seconds, start, shapes.leak(start, (LIMIT - start) / leak_seconds))
    meets = calm_seconds + leak_seconds
    trends = judged(shape, meets - 60.0, interval_seconds=interval_seconds, noise_ratio=noise_ratio, seed=7)
    last = [(time, trend) for time, trend in trends if time > meets - 75.0]
    assert last
    assert confident(last) == last
    for time, trend in last:
        assert trend.time_to_limit_seconds == pytest.approx(meets - time, rel=0.2)
        assert trend.shape in (GROWING, LEAKING)
    if leak_seconds >= 300.0:
        assert last[-1][1].shape == LEAKING


def test_the_interval_holds_the_truth() -> None:
    """Low and high lie around the estimate and nearly always around the true time."""
    shape = shapes.leak(50 * MIB, 2 * MIB)
    truth = (LIMIT - 50 * MIB) / (2 * MIB)
    trends = confident(judged(shape, 200.0, seed=11))
    held = 0
    for time, trend in trends:
        low, high = trend.time_to_limit_seconds_low, trend.time_to_limit_seconds_high
        assert low is not None and trend.time_to_limit_seconds is not None
        assert low <= trend.time_to_limit_seconds
        held += low * 0.98 <= truth - time <= (high or 1e9) * 1.02
    assert held >= 0.9 * len(trends)


@pytest.mark.parametrize("rise", [shapes.sawtooth, shapes.triangle])
@pytest.mark.parametrize("period_seconds", [0.5, 1.0, 2.0, 4.0, 10.0, 30.0, 60.0, 120.0])
def test_a_steady_saw_tooth_is_no_leak(rise: object, period_seconds: float) -> None:
    """Between 40 and 75 % of the limit, after two periods: a saw-tooth, without a time, and not once confident."""
    assert callable(rise)
    phase = random.Random(period_seconds).random()
    shape = rise(0.40 * LIMIT, 0.75 * LIMIT, period_seconds, phase)
    interval = min(0.5, period_seconds / 8)
    trends = judged(shape, max(60.0, 5 * period_seconds), interval_seconds=interval, seed=int(period_seconds * 10))
    settled = [trend for time, trend in trends if time > max(15.0, 2.2 * period_seconds)]
    assert {trend.shape for trend in settled} == {SAW_TOOTH}
    assert all(trend.time_to_limit_seconds is None for trend in settled)
    assert all(trend.confidence_ratio < CONFIDENT_RATIO for trend in settled)


@pytest.mark.parametrize("period_seconds", [0.5, 0.7, 1.0, 2.0, 3.0])
def test_a_saw_tooth_faster_than_the_samples_is_never_a_confident_leak(period_seconds: float) -> None:
    """Sampled once a second the teeth cannot be seen; what remains is noise, and noise is no forecast."""
    shape = shapes.sawtooth(0.40 * LIMIT, 0.75 * LIMIT, period_seconds, 0.3)
    assert confident(judged(shape, 200.0, seed=3)) == []


def test_the_teeth_of_a_swing_are_known_after_the_first_fall() -> None:
    """Seen for the first time a tooth of half a minute is a growth; the second one is not taken for one."""
    shape = shapes.sawtooth(0.40 * LIMIT, 0.75 * LIMIT, 30.0)
    second = [(time, trend) for time, trend in judged(shape, 59.0) if time > 31.0]
    assert confident(second) == []


@pytest.mark.parametrize("halfway_by", ["time", "use"])
@pytest.mark.parametrize(("period_seconds", "periods"), [(5.0, 8), (10.0, 30), (20.0, 12), (40.0, 8), (120.0, 8)])
def test_a_collected_leak_is_told_by_its_peaks(period_seconds: float, periods: int, halfway_by: str) -> None:
    """Half way, under a saw-tooth of 30 % of current use, the time is within 20 % of when use first meets the limit."""
    half = period_seconds * periods
    for seed in range(3):
        dice = random.Random(seed)
        start = dice.choice([0.05, 0.1]) * LIMIT
        rate = (LIMIT / 1.3 - start) / (2 * half) if halfway_by == "time" else (0.5 * LIMIT - start) / half
        shape = shapes.collected_leak(start, rate, 0.3, period_seconds, dice.random())
        meets = shapes.first_at_least(shape, LIMIT, until_seconds=4 * half, step_seconds=0.02)
        trends = judged(
            shape, half + period_seconds, interval_seconds=min(1.0, period_seconds / 20), noise_ratio=0.003, seed=seed
        )
        late = [(time, trend) for time, trend in trends if time > half]
        assert confident(late) == late
        for time, trend in late:
            assert trend.time_to_limit_seconds == pytest.approx(meets - time, rel=0.2)


@pytest.mark.parametrize("noise_ratio", [0.0, 0.002])
@pytest.mark.parametrize("time_constant_seconds", [5.0, 20.0, 60.0, 300.0])
@pytest.mark.parametrize("plateau_ratio", [0.5, 0.7, 0.85])
def test_warming_is_not_a_leak(plateau_ratio: float, time_constant_seconds: float, noise_ratio: float) -> None:
    """A cache that fills up to a plateau below the limit is never a confident growth, from its first second on."""
    shape = shapes.warming(0.05 * LIMIT, plateau_ratio * LIMIT, time_constant_seconds)
    trends = judged(
        shape, 6 * time_constant_seconds, noise_ratio=noise_ratio, every_seconds=max(1.0, time_constant_seconds / 30)
    )
    assert confident(trends) == []
    if noise_ratio == 0.0 and time_constant_seconds >= 20.0:
        middle = [
            trend.shape for time, trend in trends if 0.5 * time_constant_seconds < time < 2 * time_constant_seconds
        ]
        assert middle.count(WARMING) >= 0.5 * len(middle)
        assert set(middle) <= {WARMING, STEADY}


@pytest.mark.parametrize("calm_seconds", [5.0, 60.0, 500.0])
@pytest.mark.parametrize("interval_seconds", [0.05, 1.0])
def test_a_step_is_steady_once_it_is_flat(calm_seconds: float, interval_seconds: float) -> None:
    """60 % of the limit within three seconds: no confident growth of ten seconds, and mostly steady after 8 s."""
    shape = shapes.step(0.05 * LIMIT, 0.60 * LIMIT, calm_seconds, 3.0)
    trends = judged(shape, calm_seconds + 100.0, interval_seconds=interval_seconds, noise_ratio=0.002)
    assert [trend for _, trend in confident(trends) if trend.lasted_seconds >= 10.0] == []
    later = [trend.shape for time, trend in trends if time > calm_seconds + 11.0]
    assert later.count(STEADY) >= 0.9 * len(later)


@pytest.mark.parametrize("calm_seconds", [5.0, 60.0, 500.0])
@pytest.mark.parametrize("interval_seconds", [0.05, 0.5])
def test_a_spike_is_never_confident(calm_seconds: float, interval_seconds: float) -> None:
    """Up to 90 % within three seconds, two there, and back."""
    shape = shapes.spike(0.30 * LIMIT, 0.90 * LIMIT, calm_seconds, 3.0, 2.0)
    trends = judged(shape, calm_seconds + 60.0, interval_seconds=interval_seconds, every_seconds=0.5)
    assert confident(trends) == []


def test_a_spike_in_the_past_does_not_hide_a_leak() -> None:
    """A leak that begins a minute after a spike is foreseen as any other."""
    spike = shapes.spike(0.30 * LIMIT, 0.90 * LIMIT, 60.0, 3.0, 2.0)
    leak = shapes.leak(0.30 * LIMIT, 0.70 * LIMIT / 150.0)
    trends = judged(lambda t: spike(t) if t < 120.0 else leak(t - 120.0), 205.0)
    assert confident([(time, trend) for time, trend in trends if time > 195.0])


@pytest.mark.parametrize("noise_ratio", [0.002, 0.01, 0.03])
def test_noise_is_never_a_confident_growth(noise_ratio: float) -> None:
    """Half an hour of a constant with noise raises nothing."""
    assert confident(judged(lambda _: 0.6 * LIMIT, 1800.0, noise_ratio=noise_ratio)) == []


def test_a_wandering_use_is_hardly_ever_a_confident_growth() -> None:
    """A random walk of 0.3 % of the limit a second, for half an hour, four times: at most a few seconds in all."""
    seen = 0
    for seed in range(4):
        dice, level, walk = random.Random(seed), 0.5, []
        for _ in range(1800):
            level = min(0.97, max(0.1, level + dice.gauss(0.0, 0.003)))
            walk.append(level * LIMIT)
        seen += len(confident(judged(lambda t, walk=walk: walk[min(int(t), 1799)], 1790.0, noise_ratio=0.0)))
    assert seen <= 10


@pytest.mark.parametrize("noise_ratio", [0.0, 0.002])
def test_a_very_slow_leak_is_seen_on_the_coarse_scale(noise_ratio: float) -> None:
    """1 MiB a minute on top of 1 GiB, limit 2 GiB: a leak after three hours, its rate within a tenth."""
    shape = shapes.leak(1024 * MIB, MIB / 60.0)
    trends = judged(
        shape,
        4 * 3600.0,
        interval_seconds=10.0,
        noise_ratio=noise_ratio,
        limit_bytes=2048 * MIB,
        every_seconds=120.0,
    )
    late = [trend for time, trend in trends if time > 3 * 3600.0]
    leaking = [trend for trend in late if trend.shape == LEAKING and trend.time_to_limit_seconds is not None]
    assert len(leaking) >= 0.8 * len(late)
    assert sum(trend.scale_seconds >= 10.0 for trend in leaking) >= 0.5 * len(leaking)
    for trend in leaking:
        assert trend.growth_bytes_per_second == pytest.approx(MIB / 60.0, rel=0.15)


def test_a_fast_leak_is_confident_after_ten_seconds() -> None:
    """20 MiB/s into 512 MiB: known with half of the limit left, lasting at least ten seconds and many samples."""
    trends = confident(judged(shapes.leak(20 * MIB, 20 * MIB), 24.0, interval_seconds=0.2))
    time, trend = trends[0]
    assert time < 13.0
    assert trend.time_to_limit_seconds == pytest.approx(24.6 - time, rel=0.1)
    assert trends[-1][1].lasted_seconds >= 10.0
    assert trends[-1][1].samples >= 5


def test_less_than_eight_seconds_are_never_confident() -> None:
    """However straight: what is so fast is left to the level."""
    trends = judged(shapes.leak(20 * MIB, 40 * MIB), 7.5, interval_seconds=0.1, noise_ratio=0.0, every_seconds=0.2)
    assert trends[-1][1].time_to_limit_seconds is not None
    assert confident(trends) == []


def test_a_leak_that_speeds_up_is_judged_by_its_latest_rate() -> None:
    """After twenty minutes at one rate and two at four times it, the sooner end is told."""

    def shape(t: float) -> float:
        return 50 * MIB + 0.1 * MIB * t + 0.3 * MIB * max(0.0, t - 1200.0)

    time, trend = judged(shape, 1335.0, noise_ratio=0.0)[-1]
    assert trend.confidence_ratio >= CONFIDENT_RATIO
    assert trend.time_to_limit_seconds == pytest.approx((LIMIT - shape(time)) / (0.4 * MIB), rel=0.1)


def test_a_runaway_after_a_long_collected_leak_is_not_told_by_the_old_peaks() -> None:
    """The line through the old peaks is well determined and half an hour off; a swing without new peaks is over."""
    collected = shapes.collected_leak(60 * MIB, 0.12 * MIB, 0.2, 10.0)

    def shape(t: float) -> float:
        return collected(t) if t < 900.0 else collected(900.0) + 1.5 * MIB * (t - 900.0)

    late = [
        (time, trend) for time, trend in judged(shape, 975.0, interval_seconds=0.5, noise_ratio=0.003) if time > 935.0
    ]
    assert len(confident(late)) >= 0.6 * len(late)
    for time, trend in confident(late):
        assert trend.time_to_limit_seconds == pytest.approx((LIMIT - shape(time)) / (1.5 * MIB), rel=0.15)


def test_of_two_sure_answers_the_one_that_is_sooner_beyond_doubt_stands() -> None:
    """A collected leak that quadruples: the old rate is better known, but the new one is what counts, and in the end
    the only one.
    """

    def shape(t: float) -> float:
        base = 60 * MIB + 0.05 * MIB * t + 0.15 * MIB * max(0.0, t - 1500.0)
        return base * (1.0 + 0.2 * (2.0 * ((t / 6.0) % 1.0) - 1.0))

    meets = shapes.first_at_least(shape, LIMIT, until_seconds=4000.0)
    trends = judged(shape, 1800.0, interval_seconds=0.5)
    seconds = [trend.time_to_limit_seconds or 1e9 for time, trend in trends if 1600.0 < time < 1700.0]
    assert min(seconds) < 1500.0
    late = [(time, trend) for time, trend in trends if time > 1730.0]
    assert len(confident(late)) >= 0.3 * len(late)
    for time, trend in confident(late):
        assert trend.time_to_limit_seconds == pytest.approx(meets - time, rel=0.2)


def test_peaks_that_grow_over_a_floor_that_does_not_are_no_confident_leak() -> None:
    """Larger and larger batches, all given back: the swing widens, nothing is kept."""

    def shape(t: float) -> float:
        return 0.2 * LIMIT + (0.1 + 0.4 * t / 400.0) * LIMIT * ((t / 20.0) % 1.0)

    assert confident([(time, trend) for time, trend in judged(shape, 400.0) if time > 50.0]) == []


def test_the_limit_is_met_by_a_peak() -> None:
    """Between two peaks the line through them may meet the limit, the series only does so at the next one."""
    half = 8 * 120.0
    start = 0.05 * LIMIT
    shape = shapes.collected_leak(start, (LIMIT / 1.3 - start) / (2 * half), 0.3, 120.0, 0.25)
    meets = shapes.first_at_least(shape, LIMIT, until_seconds=4 * half)
    late = [(time, trend) for time, trend in judged(shape, half + 120.0, noise_ratio=0.0) if time > half]
    for time, trend in late:
        assert trend.time_to_limit_seconds == pytest.approx(meets - time, rel=0.04)


def test_falling_is_told() -> None:
    """Memory that is released steadily has no time to a limit."""
    _, trend = judged(shapes.leak(400 * MIB, -2 * MIB), 100.0)[-1]
    assert (trend.shape, trend.time_to_limit_seconds) == (FALLING, None)


def test_a_saw_tooth_down_to_nothing_is_a_saw_tooth() -> None:
    """Values alone do not tell a restart: a fall to near nought that comes again and again is a swing."""
    shape = shapes.sawtooth(0.02 * LIMIT, 0.60 * LIMIT, 20.0)
    trends = [trend for time, trend in judged(shape, 150.0, interval_seconds=0.5) if time > 45.0]
    assert {trend.shape for trend in trends} == {SAW_TOOTH}


def test_too_little_is_no_trend() -> None:
    """Without five samples over five seconds nothing is said."""
    series = Series()
    assert judge(series, LIMIT, 0.0) == NO_TREND
    for second in range(4):
        series.append(second * 10.0, second * MIB)
    assert judge(series, LIMIT, 30.0) == NO_TREND


def test_use_beyond_the_limit_has_no_time_left() -> None:
    """A leak that has passed the limit (swap, a limit lowered) has nought seconds, not a negative time."""
    series = Series()
    for second in range(60):
        series.append(float(second), second * MIB)
    trend = judge(series, 30 * MIB, 59.0)
    assert trend.time_to_limit_seconds == 0.0
