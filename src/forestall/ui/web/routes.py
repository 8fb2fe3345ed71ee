"""Which answer belongs to which path: the page, its parts, and the JSON of the same views."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from forestall.model.errors import Absent, ForestallError
from forestall.model.frame import Moment
from forestall.model.plain import plain
from forestall.model.target import HOST
from forestall.query.find import find
from forestall.query.freshness import between_seconds
from forestall.query.now import Now
from forestall.query.views import Table, host_service, table
from forestall.ui.web.http import Request, Response, text
from forestall.ui.web.page import CHARTS_SHOWN, Drawn, document, fragment
from forestall.ui.web.past import Past, Read

LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))
HISTORY_SECONDS: Final = 600.0
HISTORY_SECONDS_MAX: Final = 366 * 86400.0
FRESH_SECONDS: Final = 1.0
"""However many read the page, the host is looked at once a second."""

ASSETS: Final = {
    "/page.css": "text/css; charset=utf-8",
    "/page.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}
"""All files that can be asked for, by name: no path is ever joined."""


class Eyes(NamedTuple):
    """What the page looks with, as values so that a test can give it others."""

    look: Callable[[], Now]
    moment: Callable[[], Moment]
    read: Read
    path_of: Callable[[int], str]


class Site:
    """Answers requests; remembers the newest look so that viewers share it."""

    def __init__(self, eyes: Eyes, listen_host: str, host_name: str) -> None:
        self.eyes = eyes
        self.listen_host = listen_host
        self.host_name = host_name
        self._looking = threading.Lock()
        self._newest: tuple[Moment, Now] | None = None
        self._past = Past(eyes.read)

    def answer(self, request: Request) -> Response:
        """The response; failures that are expected are a 404 or a 503 in words."""
        if not self._addressed(request.host):
            return text(421, "this address is not served here: use the one that forestall web printed")
        try:
            return self._route(request)
        except Absent as error:
            return _failure(404, f"{error.what}. {error.remedy}".strip())
        except ForestallError as error:
            return _failure(503, str(error))

    def _route(self, request: Request) -> Response:
        if request.path in ASSETS:
            return _asset(request.path)
        pages: dict[str, Callable[[Request], Response]] = {
            "/": self._page,
            "/now": self._fragment,
            "/api/now": self._now,
            "/api/history": self._history,
            "/healthz": self._health,
        }
        page = pages.get(request.path)
        return page(request) if page else text(404, "no such page")

    def _addressed(self, host: str) -> bool:
        """Whether a browser that was led here by a foreign name's DNS answer is to be refused: numbers cannot lie."""
        if host in LOOPBACK or host in (self.listen_host.lower(), self.host_name.lower()):
            return True
        return self.listen_host not in LOOPBACK and _is_number(host)

    def _look(self) -> Now:
        with self._looking:
            at = self.eyes.moment()
            if self._newest is None or between_seconds(self._newest[0], at) > FRESH_SECONDS:
                self._newest = (at, self.eyes.look())
                self._past.remember(self._newest[1])
            return self._newest[1]

    def _table(self) -> Table:
        return self._seen(self._look())

    def _seen(self, now: Now) -> Table:
        return table(now, age_seconds=between_seconds(now.frame.moment, self.eyes.moment()))

    def _picture(self) -> tuple[Table, tuple[Drawn, ...]]:
        """The table and the charts of its first rows."""
        now = self._look()
        seen = self._seen(now)
        wall_seconds = now.frame.moment.wall_seconds
        with self._looking:
            drawn = tuple(Drawn(row, self._past.recent(row, wall_seconds)) for row in seen.services[:CHARTS_SHOWN])
        return seen, drawn

    def _page(self, _: Request) -> Response:
        return _html(document(*self._picture(), self.host_name))

    def _fragment(self, _: Request) -> Response:
        return _html(fragment(*self._picture()))

    def _now(self, _: Request) -> Response:
        fields = plain(self._table())
        assert isinstance(fields, dict)
        return _json(200, {"version": 1, **fields})

    def _history(self, request: Request) -> Response:
        wanted = request.query.get("target", "")
        seconds = _seconds(request.query.get("seconds", ""))
        if not wanted or seconds is None:
            return _failure(400, "give target=NAME and, if you like, seconds=600")
        now = self._look()
        host = wanted == HOST
        row = host_service(now) if host else find(self._seen(now).services, wanted, self.eyes.path_of)[0]
        points = plain(self._past.between(row, seconds, now.frame.moment.wall_seconds))
        return _json(200, {"version": 1, "target": plain(row.reading.target), "seconds": seconds, "points": points})

    def _health(self, _: Request) -> Response:
        seen = self._table()
        agent = "absent" if seen.health is None else "late" if seen.late else "running"
        return _json(200, {"status": "ok", "agent": agent, "age_seconds": seen.age_seconds})


def _seconds(written: str) -> float | None:
    try:
        seconds = float(written) if written else HISTORY_SECONDS
    except ValueError:
        return None
    return seconds if 1.0 <= seconds <= HISTORY_SECONDS_MAX else None


def _is_number(host: str) -> bool:
    """Whether it is an address and no name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return True
    return False


def _asset(path: str) -> Response:
    with open(os.path.join(os.path.dirname(__file__), "assets", path[1:]), "rb") as file:
        return Response(200, ASSETS[path], file.read())


def _html(words: str) -> Response:
    return Response(200, "text/html; charset=utf-8", words.encode())


def _json(status: int, value: object) -> Response:
    return Response(status, "application/json", json.dumps(value, ensure_ascii=False).encode())


def _failure(status: int, why: str) -> Response:
    return _json(status, {"version": 1, "error": why})
