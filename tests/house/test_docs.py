"""Pages tell the truth: commands in them exist, links lead somewhere, and every command is written about."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from forestall.ui.cli.main import COMMANDS
from tests.support.tree import PACKAGE, TREE, assigned_names, kept_files, relative, syntax

PAGES = [path for path in kept_files() if path.suffix == ".md"]
OPTIONS_OF_THE_PROGRAM = frozenset({"--help", "--version", "COMMAND"})


def blocks(page: Path) -> list[str]:
    """Code of a page: fenced blocks and code spans, without comments."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [line.split(" #")[0].strip() for block in [*fenced, *spans] for line in block.splitlines()]


def anchors(page: Path) -> set[str]:
    """Fragments that a page's headings can be reached by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_on_the_page_exist(page: Path) -> None:
    """Each `forestall WORD` of a page is a command that the program knows."""
    known = {name for name, _ in COMMANDS} | OPTIONS_OF_THE_PROGRAM | {"up"}
    words = {match[1] for line in blocks(page) if (match := re.match(r"(?:sudo )?forestall ([\w-]+)", line))}
    assert words - known == set()


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_scripts_on_the_page_exist(page: Path) -> None:
    """Each script and make target that a page tells people to run is there."""
    targets = set(re.findall(r"^(\w+):", (TREE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in blocks(page):
        if script := re.match(r"(?:\./)?(scripts/[\w-]+)(?:\s|$)", line):
            assert (TREE / script[1]).exists(), line
        if target := re.match(r"make (\w+)$", line.strip()):
            assert target[1] in targets, line


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_on_the_page_resolve(page: Path) -> None:
    """Each link to a file of the tree leads to one, and its fragment to a heading there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link


@pytest.mark.parametrize("command", [name for name, _ in COMMANDS])
def test_every_command_is_written_about(command: str) -> None:
    """Each command of the program is shown on some page, as people would type it."""
    shown = [relative(page) for page in PAGES for line in blocks(page) if re.match(rf"forestall {command}\b", line)]
    assert shown, f"no page shows `forestall {command}`"


def interface_lines() -> list[str]:
    """Lines of docs/architecture.md that say what rooms offer each other."""
    _, _, part = (TREE / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Interfaces")
    return [
        line for block in re.findall(r"^```\n(.*?)^```", part, re.MULTILINE | re.DOTALL) for line in block.splitlines()
    ]


def test_the_interfaces_drawn_are_those_of_the_code() -> None:
    """Each room, module and name in docs/architecture.md is there, and each .name behind one stands in its module."""
    named, source = 0, ""
    for line in interface_lines():
        for token in re.finditer(r"(?<![\w./(])(?:[a-z]+\.\w+(?:\.\w+)?|\.[a-z]\w*)", line):
            room, *rest = token[0].split(".")
            if not room:
                assert re.search(rf"\b{rest[0]}\b", source), f"{token[0]} in: {line}"
                continue
            if not (PACKAGE / room).is_dir():  # a kernel file, such as memory.stat
                continue
            path = PACKAGE / room / f"{rest[0]}.py"
            path = path if path.exists() else PACKAGE / room / "__init__.py"
            assert path.exists(), f"{token[0]} in: {line}"
            source = path.read_text(encoding="utf-8")
            name = rest[-1] if len(rest) > 1 or path.name == "__init__.py" else path.stem
            assert name == path.stem or name in assigned_names(path) | defined(path), f"{token[0]} in: {line}"
            named += 1
    assert named > 60


def defined(path: Path) -> set[str]:
    """Classes and functions of a module."""
    kinds = ast.ClassDef | ast.FunctionDef
    return {node.name for node in syntax(path).body if isinstance(node, kinds)}


def test_the_readme_is_short() -> None:
    """A newcomer has read the README before the coffee is ready."""
    assert len((TREE / "README.md").read_text(encoding="utf-8").splitlines()) <= 80
