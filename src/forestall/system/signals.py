"""Signals as a readable descriptor that also tells where they came from: signalfd(2).

A terminal's Ctrl-C reaches every process of the foreground group by itself; a
`kill` reaches one. Only the latter has to be passed on, and only the siginfo
tells them apart (si_code SI_KERNEL).
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from forestall.system.files import told

_SIGSET_BYTES: Final = 128
_INFO: Final = struct.Struct("<IiiI")
_INFO_BYTES: Final = 128
_SI_KERNEL: Final = 0x80
_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC


class Came(NamedTuple):
    """One signal: its number, who sent it (0: the kernel), and whether a terminal's key did."""

    number: int
    sender_pid: int
    from_kernel: bool


class Signals:
    """The signals `numbers`, blocked for this process from now on and readable on `fd` instead."""

    __slots__ = ("_numbers", "fd")

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = frozenset(numbers)
        signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        mask = ctypes.create_string_buffer(_SIGSET_BYTES)
        for number in self._numbers:
            bit = number - 1
            mask[bit // 8] = bytes([mask[bit // 8][0] | 1 << (bit % 8)])
        self.fd = ctypes.CDLL(None, use_errno=True).signalfd(-1, mask, _FLAGS)
        if self.fd < 0:
            number = ctypes.get_errno()
            raise told(OSError(number, os.strerror(number)), "signalfd")

    def receive(self) -> list[Came]:
        """Return the signals that have come; never waits."""
        try:
            raw = os.read(self.fd, _INFO_BYTES * 32)
        except BlockingIOError:
            return []
        came = []
        for offset in range(0, len(raw), _INFO_BYTES):
            number, _, code, sender = _INFO.unpack_from(raw, offset)
            came.append(Came(number, sender, code == _SI_KERNEL))
        return came

    def close(self) -> None:
        """Give the signals back their usual way."""
        os.close(self.fd)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._numbers)
