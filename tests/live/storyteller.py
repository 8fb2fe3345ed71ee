"""Runs one program as `forestall run` does and prints its guard's story.

`storyteller.py DIR MIB GUARDED PROGRAM NUMBER ...`; GUARDED is yes or no.

One JSON object a line on stdout, each with `t`, seconds since the program's start.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from forestall.operations.ladder import run_policy  # noqa: E402 - the path above leads to it
from forestall.operations.run import Wanted, run  # noqa: E402
from forestall.query.places import Places  # noqa: E402
from tests.live import programs  # noqa: E402


def main(directory: str, mebibytes: str, guarded: str, *program: str) -> None:
    """Run it and print what happens."""
    began = time.monotonic()

    def tell(message: dict[str, Any]) -> None:
        print(json.dumps({"t": time.monotonic() - began, **message}), flush=True)

    policy = run_policy(1.0) if guarded == "yes" else None
    words = programs.command(program[0], *map(float, program[1:]))
    report = run(Wanted(words, int(mebibytes) * programs.MIB, policy, 0, notify=()), Places(directory, directory), tell)
    tell({"k": "end", **report._asdict()})


if __name__ == "__main__":
    main(*sys.argv[1:])
