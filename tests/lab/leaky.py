"""A service that leaks: `leaky.py MIB_PER_SECOND`, without end. It ends at once at SIGTERM, as Python does."""

from __future__ import annotations

import sys
import time

MIB = 2**20


def main(mib_per_second: float) -> None:
    """Leak at a steady rate by the clock, however slow the machine is."""
    kept: list[bytes] = []
    began = time.monotonic()
    while True:
        while len(kept) < (time.monotonic() - began) * mib_per_second:
            kept.append(b"x" * MIB)
        time.sleep(0.05)


if __name__ == "__main__":
    main(float(sys.argv[1]))
