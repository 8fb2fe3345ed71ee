"""The rows of status: what is shown, what is only counted, and what is said beside them."""

from __future__ import annotations

from forestall.query.views import table
from forestall.ui.cli.services import kills, notes, services, source
from forestall.ui.words import HUMAN, Unit
from tests.support import frames
from tests.support.frames import GIB, LEAK, MIB


def test_a_row_has_all_its_numbers() -> None:
    """Use, limit, level, headroom, growth, time left and verdict of a leak, under their headings."""
    seen = table(frames.now(frames.reading("api.service", used_bytes=302 * MIB), api_service=LEAK))
    assert services(seen, HUMAN, None, None, colour=False) == [
        "SERVICE      USED LIMIT LEVEL HEADROOM  GROWTH LEFT VERDICT",
        "api.service 302Mi 512Mi own      210Mi +20Mi/s   4m leaking",
    ]


def test_the_unit_holds_for_every_size() -> None:
    """With free's -m all sizes are whole MiB; growth stays readable."""
    seen = table(frames.now(frames.reading("api.service", used_bytes=302 * MIB), api_service=LEAK))
    words = services(seen, Unit(2), None, None, colour=False)[1].split()
    assert words == ["api.service", "302", "512", "own", "210", "+20Mi/s", "4m", "leaking"]


def test_an_unsure_time_is_not_in_the_column() -> None:
    """A guess would be read as a promise: LEFT stays empty until the trend is confident."""
    guess = LEAK._replace(confidence_ratio=0.5)
    seen = table(frames.now(frames.reading("api.service"), api_service=guess))
    assert services(seen, HUMAN, None, None, colour=False)[1].split()[-2:] == ["-", "growing"]


def test_eighty_columns_are_enough() -> None:
    """Long names and levels are shortened so that a row fits a usual terminal."""
    name = "a-very-long-name-of-a-pod-with-a-hash-7f9c4d5b6-x2x9z.scope"
    reading = frames.reading(
        name, limit_bytes=900 * GIB, limit_own=False, limit_level="/kubepods.slice/burstable.slice"
    )
    leak = LEAK._replace(time_to_limit_seconds=59 * 60.0 + 59)
    seen = table(frames.now(reading)._replace(trends={reading.target.identity: leak}))
    assert max(map(len, services(seen, HUMAN, 80, None, colour=False))) <= 80


def test_what_is_not_shown_is_counted() -> None:
    """Beyond the limit the table ends with how many more there are, and how to see them."""
    seen = table(frames.now(*(frames.reading(f"s{i}.service") for i in range(25))))
    lines = services(seen, HUMAN, None, 20, colour=False)
    assert len(lines) == 22
    assert lines[-1] == "... and 5 more (--all)"


def test_an_empty_machine_says_so() -> None:
    """No row is not an empty table."""
    empty = frames.now()._replace(frame=frames.frame()._replace(readings=()))
    assert services(table(empty), HUMAN, None, 20, colour=False) == ["no service, container or process tree to show"]


def test_many_kills_are_summed_up() -> None:
    """A storm of kills takes six lines, not the screen."""
    storm = tuple(frames.kill("a.service", at_boottime_seconds=9_900.0 + i) for i in range(9))
    lines = kills(table(frames.now(kills=storm)))
    assert len(lines) == 6
    assert lines[-1] == "... and 4 more kernel OOM kills in the last hour"
    assert kills(table(frames.now())) == []


def test_what_could_not_be_seen_has_its_remedy() -> None:
    """A note says what, why, and what would help."""
    assert notes(table(frames.now())) == ["/dev/kmsg: permission denied (hint: run as root)"]


def test_the_source_is_named_when_it_is_not_a_running_agent() -> None:
    """No agent, and an agent that fell silent, are said; a running one needs no words."""
    one_look = frames.now()._replace(health=None)
    assert source(table(frames.now())) == ""
    assert "growth is not known from one look" in source(table(one_look))
    assert "judged from these looks" in source(table(one_look._replace(trends=frames.now(api_service=LEAK).trends)))
    assert source(table(frames.now(), age_seconds=200.0)) == (
        "the agent (pid 812) has stopped writing: these numbers are from 3m ago"
    )
