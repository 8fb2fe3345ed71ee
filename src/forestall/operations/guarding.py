"""How a guard is started: a fresh, lean interpreter with its mission on a descriptor.

The command line loads an argument parser and a TOML reader; the guard must carry
neither. So it is never forked from a command but executed anew, without site
packages, and told what to do through a memfd.
"""

from __future__ import annotations

import os
import sys
from typing import Final, NoReturn

import forestall
from forestall.agent import mission as missions
from forestall.agent.mission import Mission
from forestall.system.files import told
from forestall.system.process import Held, Launch, become, launch

_CODE: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from forestall.agent.main import main; main(int(sys.argv.pop()))"
)


def _argv(fd: int) -> tuple[str, ...]:
    source = os.path.dirname(os.path.dirname(os.path.abspath(forestall.__file__)))
    return (sys.executable, "-I", "-S", "-c", _CODE, str(fd), source)


def _mission_fd(mission: Mission) -> int:
    descriptor = os.memfd_create("forestall-mission", os.MFD_CLOEXEC)
    view = memoryview(missions.encode(mission))
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:  # RLIMIT_FSIZE holds for a memfd too
        os.close(descriptor)
        raise told(error, "the guard's mission") from error
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def start_guard(mission: Mission) -> Held:
    """Start a guard as a child in a session of its own and return it, held by pidfd."""
    descriptor = _mission_fd(mission)
    keep = tuple(fd for fd in (descriptor, mission.report_fd, mission.control_fd) if fd >= 0)
    try:
        return Held(launch(Launch(_argv(descriptor), own_session=True, keep=keep)))
    finally:
        os.close(descriptor)


def become_guard(mission: Mission) -> NoReturn:
    """Turn this process into the guard of an agent."""
    descriptor = _mission_fd(mission)
    become(_argv(descriptor), (descriptor,))
