"""Every path has its answer, and only a browser that knows where it is gets one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forestall.model.errors import Absent, Malformed
from forestall.model.frame import Moment
from forestall.query.now import Now
from forestall.ui.web.http import Request, Response
from forestall.ui.web.past import Sample
from forestall.ui.web.routes import ASSETS, Eyes, Site
from tests.support import frames
from tests.support.frames import LEAK


class World:
    """What the page looks at: a clock that stands until moved, and a count of looks."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.passed_seconds = 0.0
        self.looks = 0

    def look(self) -> Now:
        """The host, and one look more."""
        self.looks += 1
        return self.now

    def moment(self) -> Moment:
        """The time of the frame and what has passed since."""
        at = self.now.frame.moment
        return at._replace(boottime_seconds=at.boottime_seconds + self.passed_seconds)

    def read(self, identity: str, since: float, until: float) -> tuple[Sample, ...]:
        """A store with one sample, ten seconds before the end."""
        assert identity.endswith("#7") or identity == "b00t"
        assert since < until
        return (Sample(until - 10.0, 5.0, 9.0),)

    def site(self, listen: str = "127.0.0.1") -> Site:
        """The page over this world."""
        return Site(Eyes(self.look, self.moment, self.read, lambda _: ""), listen, "db-7")


WORLD = World(frames.now(frames.reading("api.service"), frames.reading("web.service"), api_service=LEAK))


def get(
    path: str,
    world: World = WORLD,
    host: str = "localhost",
    listen: str = "127.0.0.1",
    query: dict[str, str] | None = None,
) -> Response:
    """The answer to a GET."""
    return world.site(listen).answer(Request("GET", path, query or {}, host))


def read(answer: Response) -> Any:
    """The JSON of an answer."""
    assert answer.content_type == "application/json"
    return json.loads(answer.body)


def test_the_page_has_the_table_and_its_charts() -> None:
    """The page itself holds every row and a chart for each, before any script has run."""
    page = get("/").body.decode()
    assert page.startswith("<!doctype html>")
    assert page.count('<svg class="chart"') == 2
    assert "leaking: 4m left" in page


def test_the_changing_part_is_that_of_the_page() -> None:
    """What the script fetches is what stands in the page's main element."""
    world = World(WORLD.now)
    site = world.site()
    page = site.answer(Request("GET", "/", {}, "localhost")).body
    assert site.answer(Request("GET", "/now", {}, "localhost")).body in page


def test_the_table_is_there_as_json() -> None:
    """/api/now is what `status --json` prints."""
    table = read(get("/api/now"))
    assert table["version"] == 1
    assert [row["name"] for row in table["services"]] == ["api.service", "web.service"]


def test_history_is_there_as_json() -> None:
    """/api/history gives the points of the target that a person names, oldest first."""
    history = read(get("/api/history", query={"target": "api", "seconds": "60"}))
    assert history["target"]["name"] == "api.service"
    assert history["points"] == [{"seconds_ago": 10.0, "used_bytes": 5.0, "limit_bytes": 9.0}]
    assert read(get("/api/history", query={"target": "host"}))["target"]["kind"] == "host"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"target": "api", "seconds": "x"}, 400),
        ({"target": "api", "seconds": "0"}, 400),
        ({"target": "api", "seconds": "nan"}, 400),
        ({"target": "api", "seconds": "1e300"}, 400),
        ({"target": "nobody"}, 404),
    ],
)
def test_a_wrong_question_is_answered_as_such(query: dict[str, str], status: int) -> None:
    """A lacking or absurd parameter is 400, a target that is not there 404, with words."""
    answer = get("/api/history", query=query)
    assert answer.status == status
    assert read(answer)["error"]


@pytest.mark.parametrize("path", sorted(ASSETS))
def test_assets_are_served_by_name(path: str) -> None:
    """Each file of the page is there, in its type."""
    answer = get(path)
    assert (answer.status, answer.content_type) == (200, ASSETS[path])
    assert answer.body


@pytest.mark.parametrize("path", ["/x", "/../routes.py", "/page.css/..", "//page.css", "/assets/page.css", "/now/"])
def test_nothing_else_is_served(path: str) -> None:
    """No path leads out of the list."""
    assert get(path).status == 404


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "db-7"])
def test_this_machine_is_addressed_by_its_names(host: str) -> None:
    """Loopback and the host's own name are ours."""
    assert get("/healthz", host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.5", ""])
def test_a_foreign_name_is_refused(host: str) -> None:
    """A page of another site whose name was made to point here reads nothing (DNS rebinding)."""
    answer = get("/api/now", host=host)
    assert answer.status == 421
    assert b"api.service" not in answer.body


def test_an_open_address_takes_numbers_but_no_names() -> None:
    """Listening for the network, any address of ours will do: a number cannot be rebound, a name can."""
    assert get("/healthz", host="10.0.0.5", listen="0.0.0.0").status == 200
    assert get("/healthz", host="fd00::5", listen="::").status == 200
    assert get("/healthz", host="evil.example", listen="0.0.0.0").status == 421


@pytest.mark.parametrize(
    ("now", "passed_seconds", "agent"),
    [
        (frames.now(), 0.0, "running"),
        (frames.now(), 60.0, "late"),
        (frames.now()._replace(health=None), 0.0, "absent"),
    ],
)
def test_health_tells_of_the_agent(now: Now, passed_seconds: float, agent: str) -> None:
    """/healthz answers 200 while the page works and says how the agent is and how old the frame."""
    world = World(now)
    world.passed_seconds = passed_seconds
    health = read(get("/healthz", world))
    assert (health["status"], health["agent"], health["age_seconds"]) == ("ok", agent, passed_seconds)


def test_viewers_share_a_look() -> None:
    """However many ask within a second, the host is looked at once; after it, again."""
    world = World(WORLD.now)
    site = world.site()
    for _ in range(5):
        site.answer(Request("GET", "/now", {}, "localhost"))
    assert world.looks == 1
    world.passed_seconds = 1.1
    site.answer(Request("GET", "/now", {}, "localhost"))
    assert world.looks == 2


@pytest.mark.parametrize(
    ("error", "status"), [(Malformed("/proc/meminfo", "no number"), 503), (Absent("nothing", "try"), 404)]
)
def test_a_failed_look_is_an_answer(error: Exception, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read is said, and the page lives on."""
    world = World(WORLD.now)

    def fail() -> Now:
        raise error

    monkeypatch.setattr(world, "look", fail)
    answer = get("/", world)
    assert answer.status == status
    assert read(answer)["error"]
