"""What the tools say of the tree: format, lint, types, arrows. One test each, so that one line tells which."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.tree import TREE

DEADLINE_SECONDS = 110


def accepts(*command: str) -> None:
    """Run the tool over the tree; fail with all that it writes when it is not content."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=TREE,
        env=os.environ | {"PYTHONPATH": "src", "NO_COLOR": "1", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stdout, pytrace=False)


def test_format() -> None:
    """Every file is as the formatter leaves it."""
    accepts("-m", "ruff", "format", "--check", ".")


def test_lint() -> None:
    """The linter has nothing to say, with all its rules but those that pyproject.toml refuses with a reason."""
    accepts("-m", "ruff", "check", ".")


def test_types() -> None:
    """mypy --strict accepts the package."""
    accepts("-m", "mypy")


def test_arrows() -> None:
    """The import contracts of pyproject.toml hold: no arrow points back."""
    accepts("-c", "import sys; from importlinter.cli import lint_imports_command as run; run()")


SCRIPTS = (
    *(f"scripts/{name}" for name in ("run", "test", "prepare", "find-python", "live-packages")),
    *(f"lab/{name}" for name in ("image", "boot", "guest")),
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_plain_shell(script: str) -> None:
    """The scripts parse as POSIX shell, stop at the first failure, and can be executed."""
    path = TREE / script
    parsed = subprocess.run(["/bin/sh", "-n", str(path)], capture_output=True, text=True, timeout=10, check=False)
    assert (parsed.stderr, parsed.returncode) == ("", 0)
    assert path.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in path.read_text(encoding="utf-8")
    assert os.access(path, os.X_OK)
