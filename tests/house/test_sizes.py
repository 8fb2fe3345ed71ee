"""Files and functions stay small enough to be read at one sitting."""

from __future__ import annotations

import ast

import pytest

from tests.support.tree import exceptions, python_files, relative, syntax

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
EXCEPTIONS_MAX = 0
"""Lower it whenever a line leaves exceptions/sizes.txt; never raise it."""


def too_large() -> dict[str, int]:
    """What is over its size: `PATH` or `PATH::FUNCTION` -> lines."""
    found = {}
    for path in python_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES_MAX:
            found[relative(path)] = lines
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                function_lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if function_lines > FUNCTION_LINES_MAX:
                    found[f"{relative(path)}::{node.name}"] = function_lines
    return found


def test_files_and_functions_keep_to_their_size() -> None:
    """No file is over 400 lines and no function over 50, unless the list of exceptions says so, and then no longer."""
    excused = {name: int(lines) for name, lines in exceptions("sizes").items()}
    grown = {name: lines for name, lines in too_large().items() if lines > excused.get(name, 0)}
    assert grown == {}


def test_the_list_of_exceptions_only_shrinks() -> None:
    """Every excused size is still needed, to the line."""
    excused = {name: int(lines) for name, lines in exceptions("sizes").items()}
    sizes = too_large()
    if len(excused) > EXCEPTIONS_MAX:
        pytest.fail("the list of exceptions has grown: split the file or function")
    assert {name: lines for name, lines in excused.items() if sizes.get(name) != lines} == {}
