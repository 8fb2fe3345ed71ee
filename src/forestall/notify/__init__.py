"""Ways to tell people: one file per way, exporting PLUGIN; the file's name is its name in the configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from forestall.model.action import Notice


class Notifier(Protocol):
    """Sends notices; raises a ForestallError when one could not be delivered."""

    def send(self, notice: Notice) -> None:
        """Deliver one notice or raise."""


class Plugin(NamedTuple):
    """What a file here exports as PLUGIN.

    `settings` is a NamedTuple type: its fields are the keys of `[notify.NAME]`, a field such as `size_bytes` is
    written without its unit (`size = "10MiB"`). `make` turns settings into a notifier and opens nothing yet.
    """

    settings: type[Any]
    make: Callable[[Any], Notifier]
