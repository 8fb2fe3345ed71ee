"""Files of a memory cgroup."""

from __future__ import annotations

import pytest

from forestall.model.errors import Malformed
from forestall.parse import cgroup
from tests.support.samples import sample


def test_a_counter_is_one_number() -> None:
    """With or without its newline."""
    assert cgroup.count(b"240246784\n") == 240246784
    assert cgroup.count(sample("linux-6.18-v1", "memory.usage_in_bytes")) > 0


@pytest.mark.parametrize("text", [b"", b"\n", b"max\n", b"-1\n", b"1 2\n", b"9" * 30])
def test_a_counter_that_is_no_number_is_malformed(text: bytes) -> None:
    """Nothing is taken for zero."""
    with pytest.raises(Malformed):
        cgroup.count(text)


@pytest.mark.parametrize(
    "text",
    [
        b"max\n",
        b"9223372036854771712\n",  # pages of 4 KiB
        b"9223372036854759424\n",  # pages of 16 KiB
        b"9223372036854710272\n",  # pages of 64 KiB
        b"9223372036854775807\n",  # before Linux 3.19
        b"18446744073709551615\n",  # EL6
    ],
)
def test_no_limit_is_none_on_every_version(text: bytes) -> None:
    """Version 2 says max, version 1 a number next to 2**63."""
    assert cgroup.limit(text) is None


def test_a_limit_is_bytes() -> None:
    """Finite limits are taken as they stand, zero included."""
    assert cgroup.limit(sample("ubuntu-24.04-v2", "memory.high")) == 512 * 2**20
    assert cgroup.limit(sample("linux-6.18-v1", "memory.limit_in_bytes")) is None
    assert cgroup.limit(b"0\n") == 0
    with pytest.raises(Malformed):
        cgroup.limit(b"maximum\n")


def test_processes_are_listed() -> None:
    """One pid per line; an empty cgroup has none."""
    assert len(cgroup.pids(sample("linux-6.18-v1", "cgroup.procs"))) > 10
    assert cgroup.pids(b"") == ()


def test_processes_of_another_namespace_are_left_out() -> None:
    """The kernel lists them as 0, and a signal to 0 would hit ourselves."""
    assert cgroup.pids(b"0\n812\n0\n") == (812,)


def test_a_line_that_is_no_pid_is_malformed() -> None:
    """A list of victims is not guessed at."""
    with pytest.raises(Malformed):
        cgroup.pids(b"812\n-1\n")


def test_flat_files_of_both_versions_are_read_whole() -> None:
    """memory.stat, memory.events, cpu.stat and memory.oom_control have one form."""
    assert cgroup.flat(sample("ubuntu-24.04-v2", "memory.stat"))["inactive_file"] == 62914560
    assert cgroup.flat(sample("ubuntu-24.04-v2", "memory.events"))["oom_kill"] == 2
    assert cgroup.flat(sample("ubuntu-24.04-v2", "cpu.stat"))["core_sched.force_idle_usec"] == 0
    assert cgroup.flat(sample("linux-6.18-v1", "memory.oom_control"))["under_oom"] == 0
    assert len(cgroup.flat(sample("linux-6.18-v1", "memory.stat"))) == 42


def test_picked_numbers_are_those_of_the_file() -> None:
    """An absent key is None, not zero."""
    text = sample("ubuntu-24.04-v2", "memory.stat")
    assert cgroup.pick(text, (b"anon", b"file", b"slab", b"nothing")) == (268435456, 104857600, 5967872, None)


@pytest.mark.parametrize(
    ("host", "version", "path"),
    [
        ("linux-6.18-v1", 1, "/forestall-run-7f3a"),
        ("linux-6.18-v1", 2, "/"),
        ("ubuntu-18.04-hybrid", 1, "/system.slice/nginx.service"),
        ("ubuntu-24.04-v2", 2, "/user.slice/user-1000.slice/user@1000.service/app.slice/my-app.service"),
    ],
)
def test_the_memory_cgroup_of_a_process_is_found(host: str, version: int, path: str) -> None:
    """On version 1 by the controller, on version 2 by hierarchy 0."""
    assert cgroup.memory_path(sample(host, "pid.cgroup"), version) == path


def test_a_path_may_hold_colons_and_any_bytes() -> None:
    """A cgroup named by a hostile user is found again by its name."""
    path = cgroup.memory_path(b"0::/a:b: c\xff (deleted)\n", 2)
    assert path.encode("utf-8", "surrogateescape") == b"/a:b: c\xff (deleted)"


def test_a_controller_beside_others_is_found() -> None:
    """Controllers may share a hierarchy, and a similar name is not memory."""
    text = b"7:hugetlb,memory,cpu:/right\n6:name=memory:/wrong\n"
    assert cgroup.memory_path(text, 1) == "/right"


@pytest.mark.parametrize(
    ("text", "version"), [(b"", 1), (b"", 2), (b"0::/\n", 1), (b"4:memory:/\n", 2), (b"0::nopath\n", 2)]
)
def test_a_process_without_that_hierarchy_is_malformed(text: bytes, version: int) -> None:
    """The wrong version is not answered from the other hierarchy."""
    with pytest.raises(Malformed):
        cgroup.memory_path(text, version)
