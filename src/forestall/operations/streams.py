"""Standard streams of a command line that was started with some of them closed (`>&-`, a careless supervisor)."""

from __future__ import annotations

import sys

from forestall.system.streams import take_up_standard_descriptors


def take_up_standard_streams() -> None:
    """Fill closed descriptors and Python's streams upon them, which are None then; writing to stdout fails still."""
    take_up_standard_descriptors()
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
