"""Captured kernel files that the parser tests read (tests/parse/samples, told in its README)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SAMPLES: Final = Path(__file__).resolve().parents[1] / "parse" / "samples"


def sample(host: str, name: str) -> bytes:
    """The bytes of one captured file."""
    return (SAMPLES / host / name).read_bytes()


def everywhere(name: str) -> list[bytes]:
    """The bytes of that file on every captured host that has it."""
    return [path.read_bytes() for path in sorted(SAMPLES.glob(f"*/{name}"))]
