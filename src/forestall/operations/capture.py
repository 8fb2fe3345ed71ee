"""`forestall capture TARGET`: take the same evidence that the agent takes, now, by hand."""

from __future__ import annotations

import os

from forestall.agent.inspector import Inspector
from forestall.agent.sweep import find_cgroups
from forestall.agent.taking import Taker
from forestall.model.capture import Capture
from forestall.model.target import Target
from forestall.system.clock import Clock
from forestall.system.procfs import Procfs


def capture(target: Target, used_bytes: int) -> Capture:
    """Return everything that can be read of a target now; `used_bytes` is what it was seen to use."""
    procfs = Procfs()
    inspector = Inspector(procfs)
    moment = Clock().now()
    try:
        taker = Taker(procfs, find_cgroups(procfs), inspector, os.sysconf("SC_PAGE_SIZE"))
        name = f"{moment.boot_id[:8]}-{int(moment.boottime_seconds * 1000)}-by-hand"
        return taker.take(target, used_bytes, "asked for", moment, name)
    finally:
        inspector.close()
