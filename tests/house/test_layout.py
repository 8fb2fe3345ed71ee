"""Where things are and what they are called: a stranger finds the file, its test and its plug-in by name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.tree import PACKAGE, TESTS, assigned_names, exceptions, pytest_files, relative, source_files, syntax

BANNED_WORDS = frozenset({"manager", "helper", "util", "common", "base", "handler", "data", "info"})
PLUGIN_PACKAGES = ("collect", "rules", "act", "notify")
EXCEPTIONS_MAX = 0
"""Lower it whenever a line leaves exceptions/layout.txt; never raise it."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def does_something(path: Path) -> bool:
    """Whether the module has a function: values without one are tested where they are used."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(syntax(path)))


def mirror(path: Path) -> Path:
    """Where the tests of a module belong: parse/psi.py -> tests/parse/test_psi.py."""
    place = path.relative_to(PACKAGE)
    return TESTS / place.parent / f"test_{place.stem.strip('_')}.py"


def words(name: str) -> set[str]:
    """The words of a name, in the singular: `read_helpers`, `ReadHelper` -> read, helper."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {part.lower().removesuffix("s") for part in parts} | {part.lower() for part in parts}


def untested() -> set[str]:
    """Modules that do something and have no test file of the same name."""
    modules = (path for path in source_files() if path.name != "__init__.py")
    return {relative(path) for path in modules if does_something(path) and not mirror(path).exists()}


def test_every_module_has_a_test_file_of_its_name() -> None:
    """src/forestall/parse/psi.py is tested in tests/parse/test_psi.py, and so for every module that does something."""
    missing = untested() - set(exceptions("layout"))
    assert not missing, "no test file:\n" + "\n".join(sorted(missing))


def test_the_list_of_exceptions_only_shrinks() -> None:
    """Every excused module is still without a test file, and there are no more of them than there were."""
    excused = set(exceptions("layout"))
    assert excused - untested() == set()
    assert len(excused) <= EXCEPTIONS_MAX


def test_every_module_says_what_it_is() -> None:
    """Every source and test module begins with a docstring."""
    silent = [relative(path) for path in source_files() + pytest_files() if not ast.get_docstring(syntax(path))]
    assert not silent, "\n".join(silent)


def test_every_test_states_a_behaviour() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{relative(path)}::{node.name}"
        for path in pytest_files()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def test_no_name_hides_behind_an_empty_word() -> None:
    """No file, class or function is called manager, helper, util, common, base, handler, data or info."""
    names = {(relative(path), path.stem) for path in source_files()}
    for path in source_files():
        names |= {(relative(path), node.name) for node in ast.walk(syntax(path)) if isinstance(node, Definition)}
    assert {name for name in names if words(name[1]) & BANNED_WORDS} == set()


def test_every_plug_in_exports_itself() -> None:
    """Every file of an extension point defines PLUGIN; its name is its name in the configuration."""
    plugins = [path for package in PLUGIN_PACKAGES for path in sorted((PACKAGE / package).glob("[!_]*.py"))]
    silent = [relative(path) for path in plugins if "PLUGIN" not in assigned_names(path)]
    assert not silent, "\n".join(silent)


def test_nothing_is_left_lying_in_a_wrong_room() -> None:
    """The package holds only the rooms that docs/architecture.md names."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    drawn = (TESTS.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert {room for room in rooms if not re.search(rf"\b{room}\b", drawn)} == set()
