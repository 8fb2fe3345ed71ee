"""The scripts from outside: where they can be called from, and what they say when they cannot work."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.tree import TREE

PATH = {"PATH": os.environ["PATH"]}


def run(*command: str, directory: str = "/", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with an all but empty environment, without a home, from a directory that is not the tree."""
    return subprocess.run(
        command, cwd=directory, env=PATH | environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_python_is_found() -> None:
    """scripts/find-python prints a program that is Python 3.11 or newer."""
    found = run(str(TREE / "scripts" / "find-python")).stdout.strip()
    version = run(found, "-V").stdout
    assert re.match(r"Python 3\.(1[1-9]|[2-9]\d)", version)


def test_an_old_python_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A Python that is too old is named, with what is needed and how to name another; exit code 5, unavailable."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\n[ $1 != -V ] || echo Python 3.9.2\n[ $1 = -V ]\n", encoding="utf-8")
    old.chmod(0o755)
    done = run(str(TREE / "scripts" / "run"), PYTHON=str(old))
    assert done.returncode == 5
    assert done.stderr.startswith("forestall: no Python: 3.11 or newer is needed, found Python 3.9.2 (hint: ")


def test_run_works_from_anywhere_without_a_home() -> None:
    """scripts/run starts out of the source tree, wherever it is called from; --help shows that `up` was reached."""
    done = run(str(TREE / "scripts" / "run"), "--help", HOME="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert "forestall up" in done.stdout


def test_make_lists_its_targets() -> None:
    """`make` alone explains every target that is promised."""
    text = (TREE / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^(\w+):.*## ", text, re.MULTILINE))
    assert {"run", "test", "quick", "check", "bench", "proof"} <= explained
