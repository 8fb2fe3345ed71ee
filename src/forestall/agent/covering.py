"""Kernel wake-ups are set up by a child: each takes the kernel 10 ms and more, and the guard waits for nothing.

Until the child says that a target's levels are registered, the guard looks at it
by its clock, as where there are no such wake-ups at all.
"""

from __future__ import annotations

import os
from typing import Final

from forestall.agent.lines import Inlet, Outlet
from forestall.agent.offspring import Child, fork_child
from forestall.model.errors import ForestallError
from forestall.system.process import open_pipe
from forestall.system.thresholds import UsageThresholds

BATCH_MAX: Final = 64


class Covering:
    """Registers thresholds by children, one child at a time. `fd` is readable when it has something to tell."""

    def __init__(self) -> None:
        self._waiting: list[UsageThresholds] = []
        self._working: dict[str, UsageThresholds] = {}
        self._child: Child | None = None
        self._told: Inlet | None = None

    @property
    def fd(self) -> int | None:
        """The descriptor to poll, None while no child works."""
        return None if self._told is None else self._told.fd

    def ask(self, thresholds: UsageThresholds) -> None:
        """Have thresholds registered, as soon as the child before is done."""
        self._waiting.append(thresholds)
        if self._child is None:
            self._begin()

    def _begin(self) -> None:
        wanted = [one for one in self._waiting if one.fd >= 0]
        batch, self._waiting = wanted[:BATCH_MAX], wanted[BATCH_MAX:]
        if not batch:
            return
        try:
            reading, writing = open_pipe()
        except ForestallError:
            return  # descriptors are short: these targets are looked at by the clock
        try:
            self._child = fork_child(lambda: _register(batch, writing), (writing, *(one.fd for one in batch)))
        except (OSError, ForestallError):
            os.close(reading)
            return
        finally:
            os.close(writing)
        self._told = Inlet(reading)
        self._working = {one.path: one for one in batch}

    def finished(self) -> list[UsageThresholds]:
        """Return those that are registered since the last call; begins the next batch when this one is over."""
        if self._told is None or self._child is None:
            return []
        done = [
            self._working[message["path"]]
            for message in self._told.receive()
            if message.get("ok") and message["path"] in self._working
        ]
        if self._told.ended:
            self.close()
            self._begin()
        return [one for one in done if one.fd >= 0]

    def close(self) -> None:
        """End the child that works."""
        if self._child is not None:
            self._child.kill()
        if self._told is not None:
            self._told.close()
        self._child, self._told, self._working = None, None, {}


def _register(batch: list[UsageThresholds], told_fd: int) -> int:
    outlet = Outlet(told_fd)
    for thresholds in batch:
        try:
            thresholds.register()
        except ForestallError as error:
            outlet.send({"path": thresholds.path, "ok": False, "why": str(error)})
            continue
        outlet.send({"path": thresholds.path, "ok": True})
    return 0
