"""The guard's process from start to end: `python -c "from forestall.agent.main import main; main(FD)"`.

It is started by a lean interpreter (no site packages, no argument parser) with a
mission on a pipe. The order matters: the recorder is forked before anything is
locked or opened, the hands before anything is guarded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Final

from forestall.agent import mission as missions
from forestall.agent import telling
from forestall.agent.discovery import Discovery
from forestall.agent.guard import Guard, Sources
from forestall.agent.lines import Inlet, Outlet
from forestall.agent.livestate import LiveState
from forestall.agent.mission import Mission
from forestall.agent.runguard import RunGuard
from forestall.agent.sweep import find_cgroups
from forestall.agent.telling import Recorder
from forestall.config.encode import decode
from forestall.config.schema import Config
from forestall.model.errors import Denied, ForestallError
from forestall.system.files import make_directory, remove_file
from forestall.system.lock import lock_target
from forestall.system.memory import lock_touched_pages
from forestall.system.process import allow_open_files, favour_ourselves
from forestall.system.procfs import Procfs
from forestall.system.streams import take_up_standard_descriptors

DISMISS_SECONDS: Final = 3.0
OPEN_FILES: Final = 65536
"""Up to six descriptors are kept of each cgroup that is watched."""


def main(fd: int) -> None:
    """Be the guard of the mission on descriptor `fd`; exits with 0, 4 when somebody else guards, or 70."""
    take_up_standard_descriptors()
    try:
        raw = bytearray()
        while part := os.read(fd, 65536):
            raw += part
            if len(raw) > missions.MISSION_BYTES_MAX:
                break
        os.close(fd)
        sys.exit(_guard(missions.decode(bytes(raw))))
    except ForestallError as error:
        telling.say(f"forestall: guard: {error}")
        sys.exit(4)


def _guard(mission: Mission) -> int:
    config = decode(mission.config)
    make_directory(mission.runtime_directory)
    alone = lock_target(mission.runtime_directory)
    if alone is None:
        raise Denied(f"guarding with {mission.runtime_directory}", "that no other agent runs with these directories")
    recorder = Recorder(lambda inlet, outlet: _record(config, mission, inlet, outlet)) if mission.record else None
    told_to_stop = _signal_pipe()
    allow_open_files(OPEN_FILES)
    with contextlib.suppress(Denied):
        favour_ourselves()
    with contextlib.suppress(Denied):
        lock_touched_pages()
    live = LiveState(f"{mission.runtime_directory}/guard")
    procfs = Procfs(mission.proc_root)
    cgroups = find_cgroups(procfs)
    sources = Sources(procfs, cgroups, os.sysconf("SC_PAGE_SIZE"), mission.kin)
    discovery = None
    if mission.run is None and cgroups is not None:
        discovery = Discovery(cgroups, procfs, config.services)
    guard = Guard(sources, config.services, live, recorder, discovery)
    wakes = {told_to_stop: lambda: _stop(guard)}
    run = None
    if mission.run is not None:
        run = RunGuard(guard, mission, mission.run)
        wakes[run.fd] = run.hear
    elif mission.control_fd >= 0:
        # Nobody writes there: it becomes readable when whoever started us is gone.
        wakes[mission.control_fd] = lambda: _stop(guard)
    try:
        guard.run(wakes)
        if run is not None:
            run.end()
    finally:
        guard.close()
        if recorder is not None:
            recorder.dismiss(DISMISS_SECONDS)
        live.close()
    remove_file(f"{mission.runtime_directory}/now")
    if run is not None:
        run.clean_up()
    return 0


def _stop(guard: Guard) -> None:
    guard.stopping = True


def _signal_pipe() -> int:
    """Turn SIGTERM and SIGINT into a readable descriptor."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def _record(config: Config, mission: Mission, inlet: Inlet, outlet: Outlet) -> int:
    """Be the recorder; its modules are loaded in the child, not in the guard."""
    from forestall.agent.recorder import work

    only = None if mission.run is None else mission.run.cgroup_path or "/"
    return work(config, mission.state_directory, mission.runtime_directory, mission.proc_root, inlet, outlet, only)
