"""The tree belongs to no machine: no paths of the one it was written on, no private hosts, no credentials."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.tree import TREE, kept_files, relative

# Letters in brackets keep the patterns from finding themselves.
EVERYWHERE = {
    "a path of a working machine": r"(?<![\w.])/(?:wor[k]|roo[t])/|/hom[e]/[a-z]\w*/|/tm[p]/(?:bash_|fs)",
    "a package registry of somebody's": r"artifact[-]?registry|[-.]pkg[.]dev|jfro[g]|index[-_]url\s*=\s*http",
    "a login in an address": r"://[^\s/@:{}\"']+:[^\s/@{}\"']+[@][\w.-]+",
}
INDEX_PAGE = re.compile(r"pypi[.]org|files[.]pythonhosted")
NAMES_THE_INDEX = "scripts/fetch_pip.py"
"""The one place that knows the public index: a bare Python has no pip that would know it."""
PRODUCT = ("src/", "docs/", "scripts/", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile")
FILE_BYTES_MAX = 1024 * 1024


def text(path: Path) -> str:
    """The file as text, whatever bytes it has."""
    return path.read_bytes().decode("utf-8", "replace")


def places(pattern: str, files: list[Path]) -> list[str]:
    """Where the pattern is found: `FILE:LINE: the match`."""
    return [
        f"{relative(path)}:{number}: {match[0]}"
        for path in files
        for number, line in enumerate(text(path).splitlines(), 1)
        for match in [re.search(pattern, line)]
        if match
    ]


@pytest.mark.parametrize("what", EVERYWHERE)
def test_the_tree_names_no_machine(what: str) -> None:
    """No file that git keeps carries a machine's path, a private registry or a login."""
    found = places(EVERYWHERE[what], kept_files())
    assert not found, f"{what}:\n" + "\n".join(found)


def test_the_public_index_is_named_once() -> None:
    """Only the script that must find pip without pip names the public package index."""
    found = places(INDEX_PAGE.pattern, [path for path in kept_files() if relative(path) != NAMES_THE_INDEX])
    found = [line for line in found if not line.startswith("tests/house/test_no_machine_words.py")]
    assert not found, "\n".join(found)


def test_the_product_does_not_count_on_a_scratch_directory() -> None:
    """Neither code nor pages name a fixed path for temporary files: another user may own it."""
    product = [path for path in kept_files() if relative(path).startswith(PRODUCT)]
    found = places(r"(?<![\w.])/tm[p]/", product)
    assert not found, "\n".join(found)


def test_no_large_blob() -> None:
    """No file over a mebibyte is kept: captured hosts are text, pictures are drawn."""
    large = [relative(path) for path in kept_files() if path.stat().st_size > FILE_BYTES_MAX]
    assert not large, "\n".join(large)
    assert TREE / "pyproject.toml" in kept_files()
