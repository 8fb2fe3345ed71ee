"""Signals as a descriptor, with where they came from."""

from __future__ import annotations

import os
import pty
import select
import signal
import termios
import time

from forestall.system.signals import Signals
from tests.support.worker import in_child


def test_a_signal_is_readable_with_its_sender() -> None:
    """A `kill` shows its number and who sent it, and is not the kernel's; nothing waits when nothing came."""

    def work() -> None:
        signals = Signals([signal.SIGTERM, signal.SIGUSR1])
        assert signals.receive() == []
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert select.select([signals.fd], [], [], 1)[0]
        came = {(one.number, one.sender_pid, one.from_kernel) for one in signals.receive()}
        assert came == {(signal.SIGUSR1, os.getpid(), False), (signal.SIGTERM, os.getpid(), False)}
        signals.close()
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()

    in_child(work)


def test_a_key_of_the_terminal_is_told_apart() -> None:
    """Ctrl-C typed on a terminal comes from the kernel."""

    def work() -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            signals = Signals([signal.SIGINT])
            os.write(1, b"up\n")
            select.select([signals.fd], [], [], 5)
            came = signals.receive()
            os._exit(0 if [(one.number, one.from_kernel) for one in came] == [(signal.SIGINT, True)] else 1)
        assert b"up" in os.read(terminal, 64)
        os.write(terminal, bytes(termios.tcgetattr(terminal)[6][termios.VINTR]))
        for _ in range(500):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.01)
        assert ended == pid and os.waitstatus_to_exitcode(status) == 0

    in_child(work)
