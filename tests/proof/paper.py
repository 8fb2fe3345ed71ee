"""Where proofs are written: docs/proof/NAME.json, with the machine they were made on."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parents[2] / "docs" / "proof"


def write(name: str, content: dict[str, Any]) -> None:
    """Write one proof, replacing the one before."""
    DIRECTORY.mkdir(exist_ok=True)
    machine = {
        "kernel": platform.release().partition("-")[0],
        "processors": os.cpu_count(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "at": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    text = json.dumps({"proof": name, "machine": machine, **content}, indent=2)
    (DIRECTORY / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
