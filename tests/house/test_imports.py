"""What is imported costs memory on every host: standard library only, and the guard's modules are counted."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.support.tree import PACKAGE, TREE, relative, source_files, syntax

TOO_HEAVY_FOR_THE_GUARD = frozenset(
    {"argparse", "asyncio", "dataclasses", "email", "http", "inspect", "logging", "sqlite3", "socketserver", "ssl"}
    | {"subprocess", "tomllib", "urllib", "concurrent", "multiprocessing", "pathlib", "shutil", "tempfile"}
)


def roots(node: ast.AST) -> list[str]:
    """First words of the modules that an import statement names; nothing for other nodes."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]] if not node.level else ["(relative import)"]
    return []


def test_the_package_needs_the_standard_library_only() -> None:
    """No module imports anything but forestall and the standard library, and none by a relative name."""
    known = sys.stdlib_module_names | {"forestall"}
    found = {
        f"{relative(path)}: {root}"
        for path in source_files()
        for node in ast.walk(syntax(path))
        for root in roots(node)
        if root not in known
    }
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize("module", ["forestall.agent.guard", "forestall.engine.tick", "forestall.engine.arbiter"])
def test_what_the_guard_loads_is_light(module: str) -> None:
    """Importing the guard brings none of the modules that cost mebibytes (docs/decisions/0001)."""
    assert (PACKAGE.parent / (module.replace(".", "/") + ".py")).exists()
    script = f"import sys; sys.path.insert(0, {str(TREE / 'src')!r}); import {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert module.partition(".")[0] in loaded
    assert loaded & TOO_HEAVY_FOR_THE_GUARD == set()
