"""The now file comes back as it was written, and nothing that can lie there hurts a reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forestall.engine.tick import Ticked
from forestall.model.errors import Malformed
from forestall.model.finding import Finding
from forestall.model.frame import Frame
from forestall.model.trend import Trend
from forestall.query import now
from tests.support import frames as samples

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63))


@settings(max_examples=40, deadline=None)
@given(
    st.from_type(Frame),
    st.lists(st.from_type(Finding), max_size=3),
    st.dictionaries(st.text(), st.from_type(Trend), max_size=3),
    st.none() | st.from_type(now.Health),
)
def test_round_trip_loses_nothing(
    frame: Frame, findings: list[Finding], trends: dict[str, Trend], health: now.Health | None
) -> None:
    """Whatever a frame holds is read back equal, in the same types."""
    raw = now.encode(frame, Ticked(tuple(findings), trends), health)
    assert now.decode(raw) == now.Now(frame, tuple(findings), trends, health)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_malformed(raw: bytes) -> None:
    """Bytes that nobody wrote raise Malformed and nothing else."""
    with pytest.raises(Malformed):
        now.decode(raw)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_document_raises_only_malformed(draw: st.DataObject) -> None:
    """A document of ours with one part replaced by any JSON either reads or is Malformed."""
    document = json.loads(now.encode(samples.frame(), Ticked((), {}), samples.HEALTH))
    junk = st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.floats(), st.lists, max_leaves=5)
    name = draw.draw(st.sampled_from(("frame", "findings", "trends", "health")))
    if name == "frame" and draw.draw(st.booleans()):
        host = document["frame"][1]
        host[draw.draw(st.integers(0, len(host) - 1))] = draw.draw(junk)
    else:
        document[name] = draw.draw(junk)
    try:
        now.decode(json.dumps(document).encode())
    except Malformed:
        return


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"version":2}', "version 2"),
        (b"[1]", "not an object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"version":1}', "frame is missing"),
        (b'{"version":1,"frame":NaN}', "NaN"),
        (b" " * (now.NOW_BYTES_MAX + 1), "longer than"),
        (b'{"version":' + b"9" * 5000 + b"}", "4300"),
    ],
)
def test_the_reason_is_told(raw: bytes, why: str) -> None:
    """Each kind of wrong document is refused with its own reason."""
    with pytest.raises(Malformed, match=why):
        now.decode(raw)


def test_a_lone_surrogate_is_refused() -> None:
    """Text that no terminal can print never comes out of the file."""
    raw = now.encode(samples.frame(), Ticked((), {}), samples.HEALTH).replace(b"/etc/", b"\\ud800")
    with pytest.raises(Malformed, match="surrogates"):
        now.decode(raw)


def test_more_targets_than_fit_leave_the_smallest_out() -> None:
    """A host with too many targets gives a bounded file that keeps the largest and says what it left out."""
    readings = tuple(samples.reading(f"s{number}", used_bytes=number) for number in range(now.READINGS_MAX + 5))
    frame = samples.frame(*readings)
    raw = now.encode(frame, Ticked((), {readings[0].target.identity: samples.LEAK}), None)
    back = now.decode(raw)
    assert len(raw) < now.NOW_BYTES_MAX
    assert len(back.frame.readings) == now.READINGS_MAX
    assert min(reading.used_bytes for reading in back.frame.readings) == 5
    assert back.trends == {}
    assert back.frame.notes[-1].what == "5 targets"
