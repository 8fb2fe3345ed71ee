"""Metrics out of frames."""

from __future__ import annotations

import pytest

from forestall.store.frames import HOST_SHAPE, READING_SHAPE, code
from forestall.store.series import HOST_TARGET, LONG_METRICS, METRICS, chosen, columns, targets, wall_seconds
from tests.support.frames import GIB, HOST, MIB, frame, reading

CODED = code(frame(reading("api.service"), reading("db.service", used_bytes=7 * MIB, pressure=None)), {})


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("used", 7 * MIB), ("limit", 512 * MIB), ("headroom", 505 * MIB), ("usage", 17 * MIB), ("pids", 3), ("cpu", 1.0)],
)
def test_a_metric_of_a_service_is_that_of_its_reading(metric: str, expected: float) -> None:
    """Also the limit, of which a frame keeps only the remainder."""
    target, numbers = chosen(CODED, lambda target: target.name == "db.service", (metric,))
    assert target == targets(CODED)[1]
    assert numbers == {metric: expected}


def test_what_is_not_known_is_left_out() -> None:
    """A kernel without pressure gives no pressure, not zero."""
    assert chosen(CODED, lambda target: target.name == "db.service", ("pressure",))[1] == {}


def test_the_host_is_a_target_like_the_others() -> None:
    """Its use is what is not available, its limit what is installed and the swap that is free."""
    target, numbers = chosen(CODED, lambda target: target == HOST_TARGET, ("used", "limit", "headroom", "swap"))
    assert target == HOST_TARGET
    assert numbers == {
        "used": 3 * GIB,
        "limit": 8 * GIB + HOST.swap_free_bytes,
        "headroom": 5 * GIB + HOST.swap_free_bytes,
        "swap": 64 * MIB,
    }
    assert numbers["limit"] == numbers["used"] + numbers["headroom"]


def test_nobody_chosen_is_nothing() -> None:
    """A name that was not seen gives no target and no numbers."""
    assert chosen(CODED, lambda _: False, ("used",)) == (None, {})


def test_every_metric_is_made_of_columns_that_exist() -> None:
    """A renamed field of the model would be found here."""
    known = {*READING_SHAPE.columns, *HOST_SHAPE.columns}
    assert columns(tuple(METRICS)) <= known
    assert set(LONG_METRICS) <= set(METRICS)


def test_the_time_of_a_frame_is_its_wall_time() -> None:
    """Seconds since the epoch."""
    assert wall_seconds(CODED) == 1_800_000_000.0
