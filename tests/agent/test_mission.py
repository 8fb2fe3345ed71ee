"""The mission: what a guard is told survives the way through a descriptor, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from forestall.agent.mission import Kin, Mission, Run, decode, encode
from forestall.config.encode import encode as encode_config
from forestall.config.schema import Config
from forestall.model.errors import Malformed

RUN = Run("12-345", "/forestall-run-12-345", 77, 512 * 2**20, 'my "app"\n')


@pytest.mark.parametrize("run", [None, RUN])
def test_a_mission_comes_through(run: Run | None) -> None:
    """Everything that is told arrives as it was told."""
    mission = Mission(
        encode_config(Config()), "/state", "/state/run", 5, 6, 42, run, False, "/other/proc", (Kin(7, 8),)
    )
    assert decode(encode(mission)) == mission


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b"{}", b'{"run": null}', b'{"run": 5}', b'{"run": {"x": 1}}', b"\xff", b"{" * 100_000]
)
def test_anything_else_is_malformed(raw: bytes) -> None:
    """Bytes that are no mission raise Malformed and nothing else."""
    with pytest.raises(Malformed):
        decode(raw)
