"""The clocks agree with the kernel's own account of them."""

from __future__ import annotations

import time
from pathlib import Path

from forestall.system import clock


def test_boot_time_is_the_kernels_uptime() -> None:
    """CLOCK_BOOTTIME is what /proc/uptime shows."""
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(clock.boottime_seconds() - uptime) < 0.5


def test_a_moment_has_all_three_clocks() -> None:
    """Boot time grows, the wall clock is the wall clock, and the boot has its random id."""
    teller = clock.Clock()
    before, after = teller.now(), teller.now()
    assert before.boottime_seconds <= after.boottime_seconds
    assert abs(after.wall_seconds - time.time()) < 5
    assert after.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_time_in_suspend_is_never_negative() -> None:
    """What CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC is the time in suspend."""
    ahead = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    assert abs(clock.suspended_seconds() - ahead) < 0.01
    assert clock.suspended_seconds() > -0.01


def test_a_sleep_lasts() -> None:
    """A wait of 20 ms takes 20 ms."""
    began = clock.boottime_seconds()
    clock.sleep(0.02)
    assert clock.boottime_seconds() - began >= 0.019
