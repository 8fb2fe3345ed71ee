"""Seeded memory shapes: what services do to memory, as value over time. Each returns `f(seconds) -> bytes`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

Shape = Callable[[float], float]

MIB = 1024.0 * 1024.0


def leak(start_bytes: float, bytes_per_second: float) -> Shape:
    """A straight leak."""
    return lambda t: start_bytes + bytes_per_second * t


def sawtooth(low_bytes: float, high_bytes: float, period_seconds: float, phase_ratio: float = 0.0) -> Shape:
    """Rises in a straight line, falls at once."""
    return lambda t: low_bytes + (high_bytes - low_bytes) * ((t / period_seconds + phase_ratio) % 1.0)


def triangle(low_bytes: float, high_bytes: float, period_seconds: float, phase_ratio: float = 0.0) -> Shape:
    """Rises and falls equally fast."""
    return lambda t: low_bytes + (high_bytes - low_bytes) * abs(((t / period_seconds + phase_ratio) % 1.0) * 2.0 - 1.0)


def collected_leak(
    start_bytes: float, bytes_per_second: float, swing_ratio: float, period_seconds: float, phase_ratio: float = 0.0
) -> Shape:
    """A leak seen through a garbage collector: swings by +-`swing_ratio` of current use around the straight line."""
    tooth = sawtooth(-swing_ratio, swing_ratio, period_seconds, phase_ratio)
    return lambda t: (start_bytes + bytes_per_second * t) * (1.0 + tooth(t))


def warming(start_bytes: float, plateau_bytes: float, time_constant_seconds: float) -> Shape:
    """Approaches a plateau exponentially: a cache that fills."""
    return lambda t: plateau_bytes - (plateau_bytes - start_bytes) * math.exp(-t / time_constant_seconds)


def step(before_bytes: float, after_bytes: float, at_seconds: float, takes_seconds: float) -> Shape:
    """Flat, a quick rise, flat."""

    def value(t: float) -> float:
        done = min(1.0, max(0.0, (t - at_seconds) / takes_seconds))
        return before_bytes + (after_bytes - before_bytes) * done

    return value


def spike(rest_bytes: float, top_bytes: float, at_seconds: float, rise_seconds: float, stay_seconds: float) -> Shape:
    """Up within `rise_seconds`, stays, and back at once."""
    up = step(rest_bytes, top_bytes, at_seconds, rise_seconds)
    return lambda t: up(t) if t < at_seconds + rise_seconds + stay_seconds else rest_bytes


def after(seconds: float, calm_bytes: float, then: Shape) -> Shape:
    """`calm_bytes` until `seconds`, then the other shape, whose clock starts there."""
    return lambda t: calm_bytes if t < seconds else then(t - seconds)


def samples(
    shape: Shape,
    *,
    until_seconds: float,
    interval_seconds: float = 1.0,
    noise_ratio: float = 0.0,
    jitter_ratio: float = 0.1,
    seed: int = 0,
    from_seconds: float = 0.0,
) -> Iterator[tuple[float, float]]:
    """Times and noisy values at a slightly irregular pace, as a busy guard sees them; a seed repeats them."""
    dice = random.Random(seed)
    time = from_seconds
    while time <= until_seconds:
        yield time, max(0.0, shape(time) * (1.0 + dice.gauss(0.0, noise_ratio)))
        time += interval_seconds * (1.0 + dice.uniform(-jitter_ratio, jitter_ratio))


def first_at_least(shape: Shape, limit_bytes: float, *, until_seconds: float, step_seconds: float = 0.01) -> float:
    """When an unguarded twin first reaches the limit; infinity if not before `until_seconds`."""
    count = int(until_seconds / step_seconds)
    return next((i * step_seconds for i in range(count) if shape(i * step_seconds) >= limit_bytes), math.inf)
