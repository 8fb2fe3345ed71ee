"""The tables of a configuration, key by key: known ones are converted, all others are refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from forestall.config import plugins
from forestall.config.keys import Key, convert, keys_of
from forestall.config.lines import Path, line_of
from forestall.config.mistakes import Mistake, Place, unknown
from forestall.config.schema import BOUNDS, AgentSettings, Config, Plugged, Setting, StoreSettings
from forestall.config.service import SERVICE_KEYS, STEP_KEYS, Complain, cross_check, policy, step
from forestall.model.errors import Malformed, Misuse
from forestall.model.policy import Policy, Step

TABLES: Final = ("agent", "store", "notify", "act", "service")
PLUGGED: Final = ("notify", "act")

S = TypeVar("S", AgentSettings, StoreSettings)


class Document(NamedTuple):
    """One file after parsing and expansion, with the lines of its keys, and those where the expansion failed."""

    file: str
    parsed: dict[str, Any]
    lines: Mapping[Path, int]
    broken: frozenset[int] = frozenset()


class Sections:
    """Reads the tables of all files; what is wrong goes to `mistakes`, and reading goes on."""

    def __init__(self, documents: Sequence[Document], mistakes: list[Mistake]) -> None:
        self._documents = documents
        self._mistakes = mistakes

    def config(self, files: tuple[str, ...]) -> Config:
        """All of it; what is wrong or missing has its default."""
        for document in self._documents:
            for name in document.parsed:
                if name not in TABLES:
                    self._complain(document, (name,), unknown("table or key", name, TABLES))
        return Config(
            self._settings("agent", AgentSettings()),
            self._settings("store", StoreSettings()),
            _with_defaults(self._plugged("notify"), Config().notify),
            self._plugged("act"),
            tuple(self._services()),
            files,
        )

    def _settings(self, name: str, defaults: S) -> S:
        keys = keys_of(type(defaults))
        found: dict[str, Any] = {}
        for document in self._documents:
            if name in document.parsed:
                found |= self._table(document, (name,), document.parsed[name], keys)
        return defaults._replace(**found)

    def _plugged(self, package: str) -> tuple[Plugged, ...]:
        """The plug-ins that any file names, in the order of their first mention, later keys over earlier ones."""
        values: dict[str, dict[str, Setting]] = {}
        places: dict[str, tuple[Document, Path]] = {}
        for document in self._documents:
            tables = document.parsed.get(package, {})
            if not isinstance(tables, dict):
                self._complain(document, (package,), f"expected tables such as [{package}.NAME]")
                continue
            for name, table in tables.items():
                places.setdefault(name, (document, (package, name)))
                keys = self._plugin_keys(document, package, name)
                if keys is not None:
                    values.setdefault(name, {}).update(self._table(document, (package, name), table, keys))
        for name, (document, path) in places.items():
            self._demand(document, path, self._plugin_keys(document, package, name, quiet=True), values.get(name, {}))
        return tuple(Plugged(name, tuple(settings.items())) for name, settings in values.items())

    def _plugin_keys(self, document: Document, package: str, name: str, quiet: bool = False) -> dict[str, Key] | None:
        try:
            plugin = plugins.plugin(package, name)
        except Misuse as error:
            if not quiet:
                self._complain(document, (package, name), error.why)
            return None
        settings = getattr(plugin, "settings", None)
        return keys_of(settings) if settings is not None else {}

    def _demand(
        self, document: Document, path: Path, keys: Mapping[str, Key] | None, found: Mapping[str, object]
    ) -> None:
        for key in (keys or {}).values():
            if key.required and key.field not in found:
                self._complain(document, path, f'lacks the key "{key.name}" ({key.kind})')

    def _services(self) -> Iterator[Policy]:
        for document in self._documents:
            tables = document.parsed.get("service", [])
            if not isinstance(tables, list):
                self._complain(document, ("service",), "expected a list of tables: [[service]], with two brackets")
                continue
            for index, table in enumerate(tables):
                found = self._service(document, ("service", index), table)
                if found is not None:
                    yield found

    def _service(self, document: Document, path: Path, table: object) -> Policy | None:
        if not isinstance(table, dict):
            self._complain(document, path, "expected a table: [[service]]")
            return None
        own = {name: part for name, part in table.items() if name != "step"}
        before = len(self._mistakes)
        found = self._table(document, path, own, SERVICE_KEYS)
        self._demand(document, path, SERVICE_KEYS, found)
        steps = self._steps(document, path, table.get("step", []))
        if len(self._mistakes) > before:
            return None
        made = policy(found, steps)
        cross_check(made, self._complaint(document, path))
        return made

    def _steps(self, document: Document, path: Path, tables: object) -> tuple[Step, ...]:
        if not isinstance(tables, list):
            self._complain(document, (*path, "step"), "expected a list of tables: [[service.step]], with two brackets")
            return ()
        steps = [self._step(document, (*path, "step", index), table) for index, table in enumerate(tables)]
        return tuple(step for step in steps if step is not None)

    def _step(self, document: Document, path: Path, table: object) -> Step | None:
        found = self._table(document, path, table, STEP_KEYS)
        before = len(self._mistakes)
        self._demand(document, path, STEP_KEYS, found)
        return step(found, self._complaint(document, path)) if len(self._mistakes) == before else None

    def _table(self, document: Document, path: Path, table: object, keys: Mapping[str, Key]) -> dict[str, Any]:
        """The fields of one table."""
        if not isinstance(table, dict):
            self._complain(document, path, "expected a table")
            return {}
        found: dict[str, Any] = {}
        for name, written in table.items():
            key = keys.get(name)
            if key is None:
                known = (*keys, "step") if keys is SERVICE_KEYS else keys
                self._complain(document, (*path, name), unknown("key", name, known))
                continue
            try:
                found[key.field] = _bounded(f"{path[0]}.{name}", convert(key.kind, written))
            except Malformed as error:
                self._complain(document, (*path, name), f"{name}: {error.why}")
        return found

    def _complaint(self, document: Document, path: Path) -> Complain:
        return lambda key, words: self._complain(document, (*path, key) if key else path, words)

    def _complain(self, document: Document, path: Path, words: str) -> None:
        line = line_of(document.lines, path)
        if line not in document.broken:  # what follows from a value that could not be expanded helps nobody
            self._mistakes.append(Mistake(Place(document.file, line), words))


def _with_defaults(named: tuple[Plugged, ...], defaults: tuple[Plugged, ...]) -> tuple[Plugged, ...]:
    """What is on by itself stays on when others are named: a log without warnings helps nobody."""
    known = {plugged.name for plugged in named}
    return (*(plugged for plugged in defaults if plugged.name not in known), *named)


def _bounded(name: str, setting: Setting) -> Setting:
    low, high = BOUNDS.get(name, (None, None))
    if low is not None and high is not None and isinstance(setting, (int, float)) and not low <= setting <= high:
        raise Malformed("value", f"{setting:g} is not between {low:g} and {high:g}")
    return setting
