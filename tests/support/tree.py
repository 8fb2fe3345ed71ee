"""The source tree as house tests see it: its files, their syntax trees, and the lists of exceptions."""

from __future__ import annotations

import ast
import functools
import subprocess
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PACKAGE = TREE / "src" / "forestall"
TESTS = TREE / "tests"
LEFT_OUT = (".git", ".venv", ".cache", "__pycache__")


def source_files() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def pytest_files() -> list[Path]:
    """Every file that pytest collects."""
    return sorted(TESTS.rglob("test_*.py"))


def python_files() -> list[Path]:
    """Every Python file of the tree: package, tests, scripts, benchmarks."""
    return sorted(path for path in kept_files() if path.suffix == ".py")


def relative(path: Path) -> str:
    """The path as people write it: from the root of the tree, with slashes."""
    return path.relative_to(TREE).as_posix()


@functools.cache
def syntax(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def assigned_names(path: Path) -> set[str]:
    """Names that a module assigns at its top level."""
    found = set()
    for node in syntax(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def kept_files() -> list[Path]:
    """Files that git tracks or would; without git (an unpacked archive) every file that is not a cache."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=TREE, capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in TREE.rglob("*") if not any(part in LEFT_OUT for part in path.parts)]
    else:
        found = [TREE / name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]
    return sorted(path for path in found if path.is_file())


def exceptions(name: str) -> dict[str, str]:
    """The list `tests/house/exceptions/NAME.txt`: what is excepted -> the rest of its line. `#` begins a comment."""
    lines = (TESTS / "house" / "exceptions" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    entries = (line.split("#")[0].split(maxsplit=1) for line in lines)
    return {entry[0]: entry[1].strip() if len(entry) > 1 else "" for entry in entries if entry}
