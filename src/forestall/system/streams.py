"""Standard descriptors that somebody closed before we began: taken up, so that no file of ours gets their numbers.

open(2) gives the lowest free number: a lock or a live state that became number 2 would be written over by the
next error message, and would be open in every program that we start.
"""

from __future__ import annotations

import os
from typing import Final

_OUTPUT: Final = 1
_LAST: Final = 2


def take_up_standard_descriptors() -> None:
    """Open /dev/null as each of the descriptors 0, 1 and 2 that is closed.

    Output is opened for reading only: whoever writes there learns that nobody gets it, as if it were still closed.
    """
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        if descriptor > _LAST:
            os.close(descriptor)
            return
        if descriptor == _OUTPUT:
            reading = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            os.dup2(reading, _OUTPUT)
            os.close(reading)
        os.set_inheritable(descriptor, True)
