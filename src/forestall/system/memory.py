"""Keeping our own memory in RAM: mlockall(2) with MCL_ONFAULT.

Without MCL_ONFAULT every untouched page of every stack and heap would be made
resident at once; with it only pages that are touched are locked.
"""

from __future__ import annotations

import ctypes
import os

from forestall.model.errors import Denied

_MCL_CURRENT = 1
_MCL_FUTURE = 2
_MCL_ONFAULT = 4


def lock_touched_pages() -> None:
    """Lock what is touched from now on; raises Denied without CAP_IPC_LOCK or RLIMIT_MEMLOCK."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        raise Denied("mlockall: " + os.strerror(ctypes.get_errno()), "CAP_IPC_LOCK or a larger RLIMIT_MEMLOCK")


def trim_heap() -> None:
    """Give freed heap pages back to the kernel (malloc_trim(3)); libraries without it are left alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
