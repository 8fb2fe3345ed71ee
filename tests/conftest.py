"""What every test may ask for: the real memory controller, and a cgroup of its own on it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Generator, Iterator

import pytest

from tests.support.scratch import ScratchCgroup, memory_mount

ON_BUILD_SERVER = "CI"
"""Environment variable that build servers set to "true"."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On a build server a live test that is skipped has failed: nothing is left untried unseen."""
    report = yield
    live = item.get_closest_marker("live") is not None
    if live and report.skipped and not hasattr(report, "wasxfail") and os.environ.get(ON_BUILD_SERVER) == "true":
        report.outcome = "failed"
        report.longrepr = f"a live test was skipped on the build server: {call.excinfo and call.excinfo.value}"
    return report


@pytest.fixture(scope="session")
def live() -> str:
    """The mount point of the real cgroup v1 memory controller; the test is skipped by name where it cannot be used."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    mount = memory_mount()
    if mount is None:
        pytest.skip("needs the cgroup v1 memory controller (this machine has none mounted)")
    if not os.access(mount, os.W_OK):
        pytest.skip(f"needs a writable {mount}")
    return mount


@pytest.fixture
def scratch_cgroup(live: str) -> Iterator[Callable[..., ScratchCgroup]]:
    """Makes cgroups `scratch_cgroup(limit_bytes, swap_bytes=0)`, removed with all that runs in them after the test."""
    made: list[ScratchCgroup] = []

    def make(limit_bytes: int | None = None, swap_bytes: int = 0) -> ScratchCgroup:
        group = ScratchCgroup(live, f"/forestall-test-{secrets.token_hex(6)}")
        made.append(group)
        if limit_bytes is not None:
            group.limit(limit_bytes, swap_bytes)
        return group

    yield make
    for group in reversed(made):
        group.remove()
