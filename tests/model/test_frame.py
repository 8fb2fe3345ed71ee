"""Numbers of a frame that follow from others."""

from __future__ import annotations

from forestall.model.frame import Host

MIB = 1024 * 1024


def test_a_host_can_give_what_is_available_and_its_free_swap() -> None:
    """Headroom of the host is MemAvailable + SwapFree; free memory alone or all of swap would be wrong."""
    numbers = dict.fromkeys(Host._fields, 7)
    host = Host(**numbers)._replace(  # type: ignore[arg-type]
        free_bytes=100 * MIB, available_bytes=900 * MIB, swap_total_bytes=512 * MIB, swap_free_bytes=200 * MIB
    )
    assert host.headroom_bytes == 1100 * MIB
