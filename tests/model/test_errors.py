"""Expected failures: what they keep, and how they read."""

from __future__ import annotations

import pytest

from forestall.model.errors import EXCERPT_BYTES_MAX, Absent, Denied, ForestallError, Malformed, Misuse


def test_malformed_keeps_a_bounded_excerpt() -> None:
    """The bytes that did not parse are kept, but never more of them than the bound."""
    error = Malformed("/proc/meminfo", "no MemTotal", b"x" * (EXCERPT_BYTES_MAX + 1))
    assert error.excerpt == b"x" * EXCERPT_BYTES_MAX
    assert str(error) == "/proc/meminfo: no MemTotal"


def test_denied_names_what_would_help() -> None:
    """A refusal names the capability that would allow it."""
    assert str(Denied("/dev/kmsg", "CAP_SYSLOG")) == "/dev/kmsg: needs CAP_SYSLOG"


def test_misuse_hints_only_when_there_is_a_hint() -> None:
    """The sentence ends with the hint, and without one it has no empty brackets."""
    assert str(Misuse("option --memory", "no size", "512M")) == "option --memory: no size (hint: 512M)"
    assert str(Misuse("option --memory", "no size")) == "option --memory: no size"
    assert Misuse("option --memory", "no size").exit_code == 2


@pytest.mark.parametrize("error", [Absent("x"), Malformed("x", "y"), Denied("x", "y"), Misuse("x", "y")])
def test_every_expected_failure_is_one_tree(error: Exception) -> None:
    """A caller that catches ForestallError catches all of them."""
    assert isinstance(error, ForestallError)
