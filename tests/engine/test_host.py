"""The host as a reading."""

from __future__ import annotations

from forestall.engine.host import host_reading, host_target
from forestall.model.target import HOST
from tests.support import frames
from tests.support.judgement import host, moment


def test_use_and_headroom_add_up_to_ram_and_swap() -> None:
    """The limit of the host is all it has: RAM and swap; what is not available is used."""
    one = host_reading(frames.HOST, moment(5.0))
    assert one.limit_bytes == frames.HOST.total_bytes + frames.HOST.swap_total_bytes
    assert one.used_bytes + one.headroom_bytes == one.limit_bytes
    assert one.headroom_bytes == frames.HOST.headroom_bytes
    assert one.limit_own


def test_a_boot_is_the_hosts_life() -> None:
    """Another boot is another host, so that no series reaches over it."""
    assert host_target(moment(1.0, "a")).kind == HOST
    assert host_target(moment(1.0, "a")).identity != host_target(moment(2.0, "b")).identity
    assert host_target(moment(1.0, "a")) == host_target(moment(9.0, "a"))


def test_a_host_whose_kernel_counts_more_than_it_has_is_not_negative() -> None:
    """MemAvailable is an estimate; use never falls below nought."""
    assert host_reading(host(headroom_bytes=64 * frames.GIB), moment(1.0)).used_bytes == 0
