"""On a build server nothing is left untried unseen: a live test that is skipped there has failed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import TESTS, TREE

SKIPPING = """
import pytest

@pytest.mark.live
def test_live():
    pytest.skip("needs a second moon")

def test_other():
    pytest.skip("needs a second moon")
"""


@pytest.mark.parametrize(("value", "closing_line"), [("true", "1 failed, 1 skipped"), ("", "2 skipped")])
def test_a_skipped_live_test_fails_on_a_build_server(value: str, closing_line: str, tmp_path: Path) -> None:
    """With CI=true a skipped live test fails by its reason and any other skip stays one; without, both are skips."""
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers = live\npythonpath = {TREE}\n", encoding="utf-8")
    (tmp_path / "test_skipping.py").write_text(SKIPPING, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"CI": value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert closing_line in done.stdout.splitlines()[-1]
    assert ("needs a second moon" in done.stdout) == (value == "true")
