"""A whole host as one text that a reviewer can read: `=== PATH`, then the file's lines, and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HOSTS: Final = Path(__file__).resolve().parents[1] / "hosts"
_MARK: Final = "=== "


def pack(files: dict[str, str]) -> str:
    """The archive of these files, sorted by path; kernel files end in a newline or are empty."""
    parts = []
    for path in sorted(files):
        text = files[path]
        assert not text or text.endswith("\n"), path
        assert not any(line.startswith(_MARK) for line in text.splitlines()), path
        parts.append(f"{_MARK}{path}\n{text}")
    return "".join(parts)


def unpack(archive: str, root: Path) -> None:
    """Lay the files of an archive out below `root`."""
    for part in ("\n" + archive).split("\n" + _MARK)[1:]:
        path, _, text = part.partition("\n")
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text if not text or text.endswith("\n") else text + "\n", encoding="utf-8")


def lay_out(host: str, root: Path) -> None:
    """Lay out one of the hosts in tests/hosts."""
    unpack((HOSTS / host / "tree.txt").read_text(encoding="utf-8"), root)
