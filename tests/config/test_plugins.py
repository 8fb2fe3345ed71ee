"""Plug-ins by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from forestall.config.plugins import names, plugin
from forestall.model.errors import Misuse
from forestall.notify import Plugin


def test_names_are_those_of_the_files() -> None:
    """Dropping in a file is all it takes."""
    assert {"file", "journal"} <= set(names("notify"))


def test_listing_imports_none() -> None:
    """What is not configured costs nothing."""
    script = (
        "import sys\n"
        f"sys.path[:0] = {[path for path in sys.path if path]!r}\n"
        "from forestall.config.plugins import names\n"
        "assert names('notify')\n"
        "print([name for name in sys.modules if name.startswith('forestall.notify.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_name_gives_its_plugin() -> None:
    """Imported now that it is named."""
    assert isinstance(plugin("notify", "file"), Plugin)


@pytest.mark.parametrize("name", ["webook", "", "../os", "__init__", "file.os"])
def test_any_other_name_is_refused_with_the_known_ones(name: str) -> None:
    """A typo is answered; nothing outside of the package can be named."""
    with pytest.raises(Misuse, match=r"known: .*journal"):
        plugin("notify", name)
