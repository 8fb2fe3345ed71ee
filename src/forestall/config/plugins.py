"""Plug-ins by name: listed without importing any, imported only when the configuration names one."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from forestall.config.mistakes import unknown
from forestall.model.errors import Misuse


def names(package: str) -> tuple[str, ...]:
    """The plug-ins of `forestall.PACKAGE`: the names of its files, in order."""
    paths = importlib.import_module(f"forestall.{package}").__path__
    return tuple(sorted(found.name for found in pkgutil.iter_modules(paths)))


def plugin(package: str, name: str) -> Any:
    """The PLUGIN that a name means; raises Misuse with the known names for any other."""
    known = names(package)
    found = importlib.import_module(f"forestall.{package}.{name}") if name in known else None
    exported = getattr(found, "PLUGIN", None)
    if exported is None:
        raise Misuse("configuration", unknown(f"{package} plug-in", name, known), exit_code=3)
    return exported
