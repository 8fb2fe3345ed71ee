"""Forecasts against the truth: five leaks of two and a half minutes under saw-tooths of different swing and period.

Writes docs/proof/forecast.json. Each is a real process under guard with an unguarded twin; all run side by side.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.live import forecast  # noqa: E402 - the path above leads to it
from tests.proof.paper import write  # noqa: E402

LEAKS = {
    "linear": ("100", "2.6", "0", "5"),
    "swing 30 %, period 5 s": ("100", "1.9", "0.3", "5"),
    "swing 30 %, period 9 s": ("100", "1.9", "0.3", "9"),
    "swing 30 %, period 2 s": ("100", "1.9", "0.3", "2"),
    "swing 15 %, period 7 s": ("100", "2.2", "0.15", "7"),
}
WARNED_SECONDS_MIN = 60.0
ERROR_RATIO_MAX = 0.2


def main() -> int:
    """Run all and write down what was said and what was true; 1 when a promise was broken."""
    rows, broken = {}, []
    with tempfile.TemporaryDirectory() as directory:
        pairs = {
            name: forecast.start(Path(directory) / str(number), 512, "growing_saw_tooth", *leak)
            for number, (name, leak) in enumerate(LEAKS.items())
        }
        for name, pair in pairs.items():
            said = forecast.finish(pair, 400.0)
            rows[name] = {
                "limit_met_after_seconds": round(said.truth_seconds, 1),
                "warned_before_seconds": round(said.warned_before_seconds, 1),
                "half_way_error_ratio": round(said.half_way_error_ratio, 3),
                "kernel_kills": said.kernel_kills,
            }
            if said.warned_before_seconds < WARNED_SECONDS_MIN or said.half_way_error_ratio > ERROR_RATIO_MAX:
                broken.append(name)
    write("forecast", {"leaks": rows})
    print("broken:", broken or "none")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
