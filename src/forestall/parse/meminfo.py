"""/proc/meminfo: the host's memory by use (Documentation/filesystems/proc.rst, "meminfo").

    MemTotal:       24684084 kB
    MemAvailable:   24269468 kB
    HugePages_Total:       0

Lines that newer kernels add are taken along under their own key.
"""

from __future__ import annotations

from forestall.model.errors import Malformed
from forestall.parse import keyed

SOURCE = "/proc/meminfo"


def parse(text: bytes) -> dict[str, int]:
    """Bytes by key, counts where the kernel prints no kB (`HugePages_Total`); Malformed without MemTotal."""
    found = keyed.coloned(text, SOURCE)
    if "MemTotal" not in found:
        raise Malformed(SOURCE, "no MemTotal", text)
    return found
