"""A store with an hour of one growing service, and people who may only read it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from forestall.model.frame import Frame, Moment
from forestall.model.trend import Trend
from forestall.store.disk import Store
from tests.support.frames import HOST, LEAK, MIB, reading

BEGIN_WALL_SECONDS = 1_800_000_000.0 - 1_800_000_000.0 % 86_400
"""Midnight, so that tests know where a period begins."""

NOBODY = 65534


class Judged(NamedTuple):
    """What a tick gives: of it the store keeps the trends."""

    trends: dict[str, Trend]


def growing(index: int, step_seconds: float = 10.0, boot_id: str = "b00t") -> tuple[Frame, Judged]:
    """The frame of one tick: api.service grows by a MiB, db.service does not."""
    api = reading("api.service", used_bytes=(100 + index) * MIB, limit_bytes=2000 * MIB)
    moment = Moment(1000.0 + index * step_seconds, BEGIN_WALL_SECONDS + index * step_seconds, boot_id)
    return Frame(moment, HOST, (api, reading("db.service"))), Judged({api.target.identity: LEAK})


def fill(directory: str, count: int, first: int = 0) -> Store:
    """A store with `count` ticks in it, still open."""
    store = Store(directory)
    for index in range(first, first + count):
        store.append(*growing(index))
    return store


def as_nobody(work: Callable[[], object]) -> None:
    """Do the work in a child without any privilege; its AssertionError or other failure becomes ours."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - a child of fork must not return into the test runner
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed, see its stderr"
