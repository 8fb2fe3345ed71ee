"""The page says first what needs somebody, and is complete without a script."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from forestall.model.finding import Finding, Severity
from forestall.model.target import HOST, Target
from forestall.query.now import Now
from forestall.query.views import table
from forestall.ui.web.chart import Point
from forestall.ui.web.page import Drawn, document, fragment
from tests.support import frames
from tests.support.frames import FLAT, LEAK, MIB

VOID = frozenset({"meta", "link", "path", "rect", "circle"})
HOSTILE = "<script>alert(1)</script>\"'&.service"


class Reader(HTMLParser):
    """Reads a page strictly: its texts by enclosing class, and whether each element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is now open."""
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("class") or tag))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element without content."""
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """The element that was opened last must be the one that ends."""
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        """Text belongs to every element that is open around it."""
        for _, name in self.open:
            self.texts.setdefault(name, []).append(data)


def text(page: str, name: str) -> str:
    """All text inside elements of a class (or of a name, without one)."""
    return "".join(Reader(page).texts.get(name, []))


def of(now: Now, age_seconds: float = 0.0) -> str:
    """The page's changing part without charts."""
    return fragment(table(now, age_seconds=age_seconds), ())


def test_a_calm_host_says_so() -> None:
    """When nothing is at risk, the headline counts the services and names the room."""
    page = of(frames.now(frames.reading("a.service"), frames.reading("b.service"), a_service=FLAT, b_service=FLAT))
    assert text(page, "headline ok") == "2 services, none at risk5.9Gi of headroom on the host"


def test_the_worst_is_the_headline() -> None:
    """A leak stands on top with its verdict and numbers, in the colour of its severity."""
    page = of(
        frames.now(frames.reading("a.service", used_bytes=302 * MIB), frames.reading("b.service"), a_service=LEAK)
    )
    assert text(page, "headline warning") == "a.service leaking: 4m left (302Mi of 512Mi used, +20Mi/s)"


def test_the_host_itself_can_be_the_news() -> None:
    """A critical finding on the host is in the headline although it is no row."""
    finding = Finding("host_low", Target(HOST, "b", "host"), Severity.CRITICAL, "host has 3% left", (), 1.0)
    calm = frames.now(frames.reading("a.service"))._replace(findings=(finding,))
    low = frames.HOST._replace(available_bytes=frames.GIB // 4, swap_free_bytes=0)
    assert text(of(calm._replace(frame=calm.frame._replace(host=low))), "headline critical") == "host has 3% left"
    assert "none at risk" in text(of(calm), "headline ok")


def test_many_at_risk_are_counted() -> None:
    """The headline names four and counts the rest."""
    full = tuple(frames.reading(f"s{i}.service", used_bytes=500 * MIB) for i in range(7))
    assert text(of(frames.now(*full)), "headline critical").endswith("and 3 more")


@pytest.mark.parametrize(
    ("now", "age_seconds", "words"),
    [
        (frames.now(), 3.0, "seen 3s ago · agent pid 812, guard beat now, 2 policies"),
        (
            frames.now()._replace(health=frames.HEALTH._replace(guard_heartbeat_seconds=None, policies=1)),
            0.0,
            "seen now · agent pid 812, no guard, 1 policy",
        ),
    ],
)
def test_the_age_and_the_agent_are_told(now: Now, age_seconds: float, words: str) -> None:
    """One line says how old the numbers are and who gathered them."""
    assert text(of(now, age_seconds), "source") == words


def test_a_lacking_or_silent_agent_is_told() -> None:
    """Without an agent the page says so; after it fell silent, how old the numbers are."""
    assert "No agent is running" in text(of(frames.now()._replace(health=None)), "source warning")
    assert "These numbers are from 2m ago." in text(of(frames.now(), 130.0), "source critical")


def test_every_service_is_a_row_with_its_numbers() -> None:
    """Without any script the table has what `status` has."""
    page = of(frames.now(frames.reading("a.service", used_bytes=302 * MIB), a_service=LEAK))
    assert text(page, "tbody") == "a.service302Mi512Miown210Mi+20Mi/s4mleaking: 4m left"


def test_a_long_table_is_cut_and_counted() -> None:
    """A host with thousands of targets gives a page that still loads."""
    page = of(frames.now(*(frames.reading(f"s{i}.service") for i in range(230))))
    assert sum(tag == "tr" for tag, _ in Reader(page).seen) == 201
    assert "and 30 more: forestall status --all" in text(page, "services")


def test_urgent_charts_are_above_the_table() -> None:
    """The chart of what is at risk comes before the rows, the others after."""
    seen = table(frames.now(frames.reading("a.service"), frames.reading("b.service"), a_service=LEAK))
    points = (Point(10.0, 1.0 * MIB, None), Point(0.0, 2.0 * MIB, None))
    page = fragment(seen, tuple(Drawn(row, points) for row in seen.services))
    assert page.index("memory of a.service") < page.index("<table>") < page.index("memory of b.service")
    assert "302" not in text(page, "figcaption")


def test_kills_and_what_was_not_seen_are_listed() -> None:
    """Recent kills are sentences; the notes say what would help."""
    page = of(frames.now(kills=(frames.kill("api.service"),)))
    assert "kernel OOM kill 2m ago: leaker (pid 812)" in text(page, "kills critical")
    assert text(page, "notes") == "Not seen: 1/dev/kmsg permission denied (run as root)"


def test_a_storm_of_kills_is_folded() -> None:
    """Three kills are read at once, the others on demand, and all are counted."""
    storm = tuple(frames.kill("a.service", at_boottime_seconds=9_900.0 + i) for i in range(9))
    page = of(frames.now(kills=storm))
    assert text(page, "summary").startswith("kernel OOM kills in the last hour: 9")
    assert page.count("leaker (pid 812)") == 9


def test_hostile_names_are_only_text() -> None:
    """A name with markup appears letter by letter, adds no element, and no attribute of ours is inline code."""
    reading = frames.reading(HOSTILE, used_bytes=500 * MIB, limit_own=False, limit_level=f"/{HOSTILE}")
    now = frames.now(reading, kills=(frames.kill(HOSTILE),))
    now = now._replace(trends={reading.target.identity: LEAK})
    seen = table(now)
    page = document(seen, (Drawn(seen.services[0], ()),), HOSTILE)
    elements = Reader(page).seen
    assert [attributes["src"] for tag, attributes in elements if tag == "script"] == ["/page.js"]
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on") or name == "style"]
    assert HOSTILE in text(page, "tbody")
    assert HOSTILE in text(page, "host")


def test_it_reloads_itself_without_scripts() -> None:
    """Where scripts do not run the page refreshes by itself."""
    tags = [tag for tag, _ in Reader(document(table(frames.now()), (), "h")).seen]
    assert tags[tags.index("noscript") + 1] == "meta"


def test_a_long_name_keeps_its_end() -> None:
    """A name is in parts, of which the style sheet shortens the first; together they are the name."""
    name = "payments-api-7f9c4d5b6-x2x9z.service"
    seen = table(frames.now(frames.reading(name), frames.reading("a.service")))
    page = fragment(seen, tuple(Drawn(row, ()) for row in seen.services))
    assert page.count('<i>payments-api-7f9c4d5b6-</i><i>x2x9z</i><i class="suffix">.service</i>') == 2
    assert page.count("<i>a.service</i><i></i>") == 2
