"""`forestall status` prints what was seen: once or again, as text or JSON, all rows or one."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from forestall.model.errors import Absent, Misuse
from forestall.query.now import Now
from forestall.ui.cli import main, status
from forestall.ui.cli.screen import Screen
from forestall.ui.cli.watching import Watch
from tests.support import frames
from tests.support.frames import LEAK, MIB

NOW = frames.now(
    frames.reading("api.service", used_bytes=302 * MIB),
    frames.reading("web.service", used_bytes=20 * MIB),
    api_service=LEAK,
)


def printed(*words: str, now: Now = NOW) -> str:
    """What `forestall status WORDS` prints to a file when it sees `now`."""
    out = io.StringIO()
    watch = Watch(lambda: now, lambda: now.frame.moment, lambda _: "/system.slice/web.service")
    options = main.parser_of(status).parse_args(list(words))
    assert status.show(options, watch, Screen(out, None, {})) == 0
    return out.getvalue()


def document(*words: str) -> dict[str, Any]:
    """The JSON of the same."""
    read: dict[str, Any] = json.loads(printed("--json", *words))
    return read


def test_the_host_comes_first_and_then_the_services_by_risk() -> None:
    """Without options: free's header in human sizes, an empty line, the table."""
    lines = printed().splitlines()
    assert lines[0].split()[-1] == "available"
    assert lines[1].split()[:3] == ["Mem:", "8.0Gi", "3.0Gi"]
    assert lines[3] == ""
    assert [line.split()[0] for line in lines[4:]] == ["SERVICE", "api.service", "web.service"]


@pytest.mark.parametrize(
    ("words", "total"),
    [
        (("-b",), "8589934592"),
        (("-k",), "8388608"),
        (("-m",), "8192"),
        (("-g",), "8"),
        (("-h",), "8.0Gi"),
        (("--si", "-m"), "8589"),
        (("-h", "--si"), "8.6G"),
    ],
)
def test_units_are_those_of_free(words: tuple[str, ...], total: str) -> None:
    """-h is human and no help, and each unit holds for the services too."""
    assert printed(*words).splitlines()[1].split()[1] == total


def test_rows_of_free_appear_on_demand() -> None:
    """-w, -l, -t and -v add columns and rows as in free, alone or together."""
    titles = [line.split()[0] for line in printed("-wltv").splitlines()[:7]]
    assert titles == ["total", "Mem:", "Low:", "High:", "Swap:", "Total:", "Comm:"]
    assert "buffers" in printed("-w")


def test_rows_are_limited_unless_all_are_wanted() -> None:
    """Twenty rows and a count by default, each of them with --all."""
    many = frames.now(*(frames.reading(f"s{i}.service") for i in range(23)))
    assert printed(now=many).splitlines()[-1] == "... and 3 more (--all)"
    assert "more" not in printed("--all", now=many)


def test_json_holds_everything_with_units_in_its_names() -> None:
    """One document of version 1: host, services in order, verdicts as words, kills and notes."""
    read = document()
    assert read["version"] == 1
    assert read["host"]["total_bytes"] == 8 * frames.GIB
    assert [row["verdict"]["word"] for row in read["services"]] == ["leaking", "unknown"]
    assert read["services"][0]["seconds_left"] == 240.0
    assert read["health"]["pid"] == 812
    assert read["notes"][0]["remedy"] == "run as root"


def test_one_target_is_shown_with_all_its_numbers() -> None:
    """A name shows that service alone, as text and as JSON; a pid the service it is in."""
    assert printed("api").startswith("api.service: leaking: 4m left\nkind          unit\n")
    assert printed("4242").startswith("web.service: ok now\n")
    assert [row["name"] for row in document("web")["services"]] == ["web.service"]


def test_a_target_that_is_not_there_is_absent() -> None:
    """An unknown name ends with the nearest known one."""
    with pytest.raises(Absent, match="'apj'") as error:
        printed("apj")
    assert error.value.remedy == "did you mean api.service?"


def test_count_repeats_and_ends() -> None:
    """-c 3 prints three times with an empty line after each, as free does; JSON is one document a line."""
    assert printed("-s", "0.1", "-c", "3").count("Mem:") == 3
    assert printed("-s", "0.1", "-c", "2").endswith("\n\n")
    assert len(printed("-s", "0.1", "-c", "2", "--json").splitlines()) == 2


def test_watching_a_pipe_prints_again_and_again() -> None:
    """--watch without a terminal is --seconds 2 without escape sequences."""
    assert "\x1b" not in printed("--watch", "-c", "1")


@pytest.mark.parametrize("words", [("-s", "0"), ("-s", "nan"), ("-c", "0"), ("-s", "-1")])
def test_paces_that_cannot_be_are_refused(words: tuple[str, ...]) -> None:
    """No busy loop, no endless nothing."""
    with pytest.raises(Misuse, match="below"):
        printed(*words)


def test_notes_and_the_lacking_agent_are_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Words go to stderr, once, so that stdout stays a table."""
    printed("-s", "0.1", "-c", "2", now=NOW._replace(health=None, trends={}))
    assert capsys.readouterr().err.splitlines() == [
        "forestall: no agent is running: growth is not known from one look (hint: --watch, or forestall agent)",
        "forestall: /dev/kmsg: permission denied (hint: run as root)",
    ]


def test_the_host_is_a_target_too() -> None:
    """`status host` shows the host with all its numbers, as `history host` does, as text and as JSON."""
    assert printed("host").startswith("host: ok now\nkind          host\n")
    (row,) = document("host")["services"]
    assert (row["kind"], row["headroom_bytes"]) == ("host", frames.HOST.headroom_bytes)


def test_what_is_watched_ends_when_it_does_not_go_on() -> None:
    """The caller says for how long there is something to watch; its headline is only for a terminal."""
    out = io.StringIO()
    watch = Watch(lambda: NOW, lambda: NOW.frame.moment, lambda _: "")
    options = main.parser_of(status).parse_args(["-s", "0.1"])
    answers = iter([True, True, False])
    assert status.show(options, watch, Screen(out, None, {}), "the page is there", lambda: next(answers)) == 0
    assert out.getvalue().count("Mem:") == 3
