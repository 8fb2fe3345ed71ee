"""docs/limits.md: every bound and deadline of the code stands in one table, with the value that the code has."""

from __future__ import annotations

import importlib
import re

from tests.support.tree import PACKAGE, TREE, assigned_names, source_files

PAGE = TREE / "docs" / "limits.md"
ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<bound>[^|]+) \| `(?P<module>[\w.]+)\.(?P<name>\w+)` \|$", re.MULTILINE)
SIZES = ((2**60, "EiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
A_JUDGEMENT = "_RATIO_MAX"
"""Ends the names of thresholds of a verdict: they bound no work."""
DURATIONS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def rows() -> list[tuple[str, str, str]]:
    """Rows of the table: module, name and the bound as written."""
    return [(row["module"], row["name"], row["bound"]) for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]


def bounds_in_the_code() -> set[tuple[str, str]]:
    """Module and name of every public constant that says of itself that it is a maximum."""
    found = set()
    for path in source_files():
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found |= {(module, name) for name in assigned_names(path) if name.endswith("_MAX") and not name.startswith("_")}
    return {(module, name) for module, name in found if not name.endswith(A_JUDGEMENT)}


def as_written(name: str, value: float) -> str:
    """The value as the page writes it: `64 KiB`, `10 s`, `20,000`."""
    words = name.split("_")
    if "BYTES" in words:
        for size, unit in SIZES:
            if value % size == 0 and value >= size:
                return f"{int(value) // size:,} {unit}"
        return f"{int(value):,} B"
    if "SECONDS" in words:
        for seconds, unit in DURATIONS:
            if value % seconds == 0 and value >= seconds:
                return f"{int(value / seconds):,} {unit}"
        return f"{value * 1000:g} ms"
    return f"{value:,}"


def test_each_row_has_the_value_of_the_code() -> None:
    """What the page says is what the code holds to."""
    wrong = []
    for module, name, bound in rows():
        value = as_written(name, getattr(importlib.import_module(f"forestall.{module}"), name))
        if bound != value:
            wrong.append(f"{module}.{name}: the page says {bound}, the code {value}")
    assert not wrong, "\n".join(wrong)


def test_each_bound_of_the_code_has_a_row() -> None:
    """No constant that ends in _MAX is missing on the page, and none stands there twice."""
    written = [(module, name) for module, name, _ in rows()]
    missing = bounds_in_the_code() - set(written)
    assert not missing, "not in docs/limits.md:\n" + "\n".join(sorted(".".join(one) for one in missing))
    assert len(written) == len(set(written))
