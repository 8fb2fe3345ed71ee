"""The page in a real browser: it draws, refreshes itself, runs no foreign script, and works without any."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forestall.model.frame import Moment
from forestall.query.now import Now
from forestall.ui.web.past import Sample
from forestall.ui.web.routes import ASSETS, Eyes, Site
from forestall.ui.web.server import Server
from tests.support import frames
from tests.support.frames import LEAK, MIB

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOSTILE = "<img src=x onerror=document.title='owned'>.service"

Dump = Callable[[int], str]


class Leak:
    """A service that grows by a MiB with each look, beside one with a hostile name."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self) -> Now:
        """The next look, two seconds after the last."""
        self.looks += 1
        leaky = frames.reading("leaky.service", used_bytes=(300 + self.looks) * MIB)
        now = frames.now(leaky, frames.reading(HOSTILE), leaky_service=LEAK)
        return now._replace(frame=now.frame._replace(moment=self.moment()))

    def moment(self) -> Moment:
        """The time of the newest look."""
        begin = frames.MOMENT
        passed = 2.0 * self.looks
        return begin._replace(
            boottime_seconds=begin.boottime_seconds + passed, wall_seconds=begin.wall_seconds + passed
        )

    def read(self, identity: str, since: float, until: float) -> tuple[Sample, ...]:
        """Ten minutes of steady growth."""
        assert identity
        return tuple(
            Sample(since + 10 * step, (200.0 + step) * MIB, 512.0 * MIB) for step in range(int(until - since) // 10)
        )


@pytest.fixture
def dump(tmp_path: Path) -> Iterator[Dump]:
    """`dump(milliseconds, *flags)`: the page's document after that long in a real browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("needs chromium")
    leak = Leak()
    site = Site(Eyes(leak.look, leak.moment, leak.read, lambda _: ""), "127.0.0.1", "db-7")
    with Server("127.0.0.1", 0, site.answer) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()

        def run(milliseconds: int) -> str:
            shown = subprocess.run(
                [
                    browser,
                    *FLAGS,
                    f"--user-data-dir={tmp_path / 'profile'}",
                    f"--virtual-time-budget={milliseconds}",
                    "--dump-dom",
                    f"http://127.0.0.1:{serving.port}/",
                ],
                capture_output=True,
                text=True,
                timeout=90,
                check=True,
            )
            return shown.stdout

        yield run
        serving.shutdown()
        thread.join()


@pytest.mark.live
@pytest.mark.slow
def test_the_page_refreshes_itself(dump: Dump) -> None:
    """After some seconds the script has put later numbers in place, with the chart's limit and forecast."""
    page = dump(7000)
    assert '<span id="live" role="status" class="ok">live</span>' in page
    assert "<strong>leaky.service</strong> leaking: 4m left" in page
    assert "(301Mi of 512Mi used" not in page
    for part in ("limit", "forecast", "fan", "used"):
        assert f'<path class="{part}"' in page
    assert "no answer" not in page


@pytest.mark.live
@pytest.mark.slow
def test_a_hostile_name_runs_nothing(dump: Dump) -> None:
    """A service named like markup is shown as text, before and after a refresh."""
    page = dump(5000)
    assert "<title>forestall: db-7</title>" in page
    assert "&lt;img src=x onerror=" in page
    assert "<img" not in page


@pytest.mark.live
@pytest.mark.slow
def test_it_works_without_its_script(dump: Dump, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the script does not load, table and charts are there all the same, and no button that would do nothing."""
    monkeypatch.delitem(ASSETS, "/page.js")
    page = dump(1000)
    assert "leaking: 4m left" in page
    assert '<svg class="chart"' in page
    assert '<button id="pause" type="button" hidden' in page
