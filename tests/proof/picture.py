"""Draws docs/picture.svg: what a real `forestall demo` printed on this machine, as a terminal shows it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.live.field import forestall  # noqa: E402 - the path above leads to it

LINE_PIXELS = 19
SIDE_PIXELS = 18
CHARACTER_PIXELS = 7.85
COLOURS = {"!": "#e5c07b", "+": "#61afef", ">": "#98c379"}
STYLE = "font: 13px ui-monospace, 'DejaVu Sans Mono', monospace; white-space: pre"


def main() -> int:
    """Run the demo and draw what it said; its exit code decides whether the picture is replaced."""
    with tempfile.TemporaryDirectory() as directory:
        words = forestall("demo", "--state-dir", directory)
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        print(done.stdout, done.stderr)
        return done.returncode
    picture = draw(["$ forestall demo", *done.stdout.splitlines()])
    (ROOT / "docs" / "picture.svg").write_text(picture, encoding="utf-8")
    return 0


def draw(lines: list[str]) -> str:
    """Return the lines as an SVG that looks like a terminal."""
    width = int(max(map(len, lines)) * CHARACTER_PIXELS) + 2 * SIDE_PIXELS
    height = len(lines) * LINE_PIXELS + 2 * SIDE_PIXELS
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="forestall demo">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#1e222a"/>',
    ]
    for number, line in enumerate(lines):
        colour = COLOURS.get(line.strip()[:1], "#d7dae0")
        y = SIDE_PIXELS + number * LINE_PIXELS + 13
        parts.append(f'<text x="{SIDE_PIXELS}" y="{y}" fill="{colour}" style="{STYLE}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    sys.exit(main())
