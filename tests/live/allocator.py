"""Takes memory at a steady rate until it is told to stop, and says how late that was.

`allocator.py USAGE_FILE LEVEL_BYTES RATE_MIB`: prints one JSON object with milliseconds from crossing the level to
SIGTERM's handler and MiB above the level then. The crossing is seen in the cgroup's own usage, chunk by chunk.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
import time

CHUNK_BYTES = 2**20


def main(usage_file: str, level_bytes: int, rate_mib: float) -> None:
    """Take memory until SIGTERM."""
    usage = os.open(usage_file, os.O_RDONLY)
    crossed: list[float] = []

    def told(*_: object) -> None:
        at = time.monotonic()
        above = int(os.pread(usage, 32, 0)) - level_bytes
        late = (at - crossed[0]) * 1000 if crossed else 0.0
        print(json.dumps({"reaction_milliseconds": late, "overshoot_mib": above / 2**20}), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, told)
    time.sleep(1.5)
    kept, began = [], time.monotonic()
    while True:
        due = (time.monotonic() - began) * rate_mib
        if len(kept) < due:
            chunk = mmap.mmap(-1, CHUNK_BYTES)
            chunk.write(b"x" * CHUNK_BYTES)
            kept.append(chunk)
            if not crossed and int(os.pread(usage, 32, 0)) >= level_bytes:
                crossed.append(time.monotonic())
        else:
            time.sleep(0.0005)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
