"""Configuration files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.config.load import FILE_BYTES_MAX, check, find, load
from forestall.config.schema import Config, Plugged
from forestall.model.action import Deed
from forestall.model.errors import Misuse
from forestall.parse import condition

EXAMPLE = """
[agent]
interval = "5s"                # recording

[notify.file]                   # a plug-in's settings
path = "${LOG:notices.jsonl}"
size = "1MiB"

[[service]]
match = "unit:api-*.service"
go = "http://127.0.0.1:6060"
restart = ["systemctl", "restart", "{unit}"]
tripwire = true
grace = "${GRACE:20s}"
max_acts_per_hour = 3

  [[service.step]]
  when = "used > 80% of limit for 30s or time_to_limit < 10m"
  do = ["notify", "capture heap goroutines"]
  [[service.step]]
  when = "used > 92% of limit or time_to_limit < 60s"
  do = ["restart"]

[[service]]
match = "host"
"""


def put(directory: Path, name: str, text: str) -> str:
    """A file with that text."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def mistakes(directory: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    """The mistakes of one file as `line: words`."""
    _, found = check((put(directory, "forestall.toml", text),), environment or {})
    return [f"{mistake.place.line}: {mistake.words}" for mistake in found]


def test_the_designs_example_is_read(tmp_path: Path) -> None:
    """Every key of it, converted to SI units."""
    config = load((put(tmp_path, "forestall.toml", EXAMPLE),), {"LOG": "/var/log/notices"})
    api, host = config.services
    assert config.agent.interval_seconds == 5.0
    assert config.notify == (
        Plugged("journal"),
        Plugged("file", (("path", "/var/log/notices"), ("size_bytes", 2**20))),
    )
    assert (api.grace_seconds, api.acts_per_hour_max, api.tripwire, api.go) == (20.0, 3, True, "http://127.0.0.1:6060")
    assert api.restart == ("systemctl", "restart", "{unit}")
    assert [step.deeds for step in api.steps] == [
        (Deed("notify"), Deed("capture", ("heap", "goroutines"))),
        (Deed("restart"),),
    ]
    assert api.steps[0].when == condition.parse("used > 80% of limit for 30s or time_to_limit < 10m")
    assert (host.match, host.steps) == ("host", ())


def test_without_files_everything_is_watched_and_nothing_touched() -> None:
    """No service has a policy; warnings go to stderr."""
    assert load((), {}) == Config()
    assert Config().services == ()
    assert Config().notify == (Plugged("journal"),)


def test_drop_ins_override_keys_and_append_services(tmp_path: Path) -> None:
    """In the order of their names; other files in the directory are left alone."""
    main = put(tmp_path, "forestall.toml", EXAMPLE)
    put(tmp_path, "conf.d/20.toml", '[agent]\ninterval = "3s"\n[notify.file]\nsize = "2MiB"\n')
    put(
        tmp_path, "conf.d/10.toml", '[agent]\ninterval = "4s"\ninterval_at_risk = "2s"\n[[service]]\nmatch = "unit:b"\n'
    )
    put(tmp_path, "conf.d/.hidden.toml", "nonsense")
    put(tmp_path, "conf.d/note.txt", "nonsense")
    config = load(find(main), {})
    assert config.agent == (3.0, 2.0)
    assert dict(config.notify[1].values) == {"path": "notices.jsonl", "size_bytes": 2 * 2**20}
    assert [policy.match for policy in config.services] == ["unit:api-*.service", "host", "unit:b"]
    assert [Path(file).name for file in config.files] == ["forestall.toml", "10.toml", "20.toml"]


def test_a_file_of_another_name_stands_alone(tmp_path: Path) -> None:
    """A drop-in directory that happens to be beside it is not its own."""
    main = put(tmp_path, "mine.toml", "")
    put(tmp_path, "conf.d/10.toml", "nonsense")
    assert find(main) == (main,)


def test_a_named_file_has_to_exist(tmp_path: Path) -> None:
    """The system's own may be missing; one that was asked for may not."""
    with pytest.raises(Misuse, match="no such file") as caught:
        find(str(tmp_path / "none.toml"))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[agent]\nintervall = "1s"', '2: unknown key "intervall" (did you mean "interval"?'),
        ("[agnet]", '1: unknown table or key "agnet" (did you mean "agent"?'),
        ('\n[notify.webook]\nurl = ""', '2: unknown notify plug-in "webook" (known: file'),
        ("[notify.file]", '1: lacks the key "path"'),
        ('[notify.file]\npath = "x"\nsize = "big"', "3: size: "),
        ("[notify.journal]\nx = 1", '2: unknown key "x" (known: none)'),
        ('[agent]\ninterval = "0s"', "2: interval: 0 is not between 0.1 and 3600"),
        ("[agent]\ninterval = true", "2: interval: expected a duration"),
        ("[[service]]", '1: lacks the key "match"'),
        ('[service]\nmatch = "host"', "1: expected a list of tables: [[service]]"),
        ('[[service]]\nmatch = "unit"', "2: match: "),
        ('[[service]]\nmatch = "host"\nstep = 3', "3: expected a list of tables: [[service.step]]"),
        ('[[service]]\nmatch = "host"\n[[service.step]]\nwhen = "used > 1GiB"', '3: lacks the key "do"'),
        ('[[service]]\nmatch = "host"\n[[service.step]]\nwhen = "usd > 1GiB"\ndo = ["notify"]', "4: when: "),
        ('[[service]]\nmatch = "host"\n[[service.step]]\nwhen = "used > 1GiB"\ndo = ["explode"]', "5: do: "),
        ('[[service]]\nmatch = "host"\nstpe = []', '3: unknown key "stpe" (did you mean "step"?'),
        ('[[service]]\nmatch = "host"\ngo = "${GO}"', "3: ${GO} is not in the environment"),
        ("a = 1\nb = \nc = 2", "2: not TOML"),
        ('a = "', "1: not TOML"),
        ('[[service]]\nmatch = "host"\nmax_acts_per_hour = -1', "3: max_acts_per_hour: -1 is not between"),
        ("agent = 3", "1: expected a table"),
        ("notify = 3", "1: expected tables such as [notify.NAME]"),
        ("service = [1]", "1: expected a table: [[service]]"),
    ],
)
def test_a_mistake_has_its_line_and_words_that_help(tmp_path: Path, text: str, told: str) -> None:
    """One mistake, told once."""
    found = mistakes(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(told)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """In the order of files and lines, and the command ends with the code for configurations."""
    main = put(tmp_path, "forestall.toml", '[agent]\nx = 1\ninterval = "no"\n[[service]]\nmatch = "what"\n')
    put(tmp_path, "conf.d/a.toml", "[[service]]\nyy = 2\n")
    with pytest.raises(Misuse) as caught:
        load(find(main), {})
    assert caught.value.exit_code == 3
    places = re.findall(r"(\w+\.toml):(\d+):", str(caught.value))
    assert places == [
        ("forestall.toml", "2"),
        ("forestall.toml", "3"),
        ("forestall.toml", "5"),
        ("a.toml", "1"),
        ("a.toml", "2"),
    ]


def test_what_follows_from_a_missing_variable_is_not_told_too(tmp_path: Path) -> None:
    """An empty text that stands for it is not blamed for not being a duration."""
    assert len(mistakes(tmp_path, '[[service]]\nmatch = "${M}"\ngrace = "${G}"')) == 2


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"x = 1\ny = '\xff'\n", "2: not UTF-8"),
        (b"#" * (FILE_BYTES_MAX + 1), "1: larger than"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "1: n"),
        (b"[a" + b".b" * 20_000 + b"]", "1: nested too deeply"),
        (b"a" + b".b" * 900 + b" = 1", "1: nested too deeply"),
        (b"[store]\nx = " + b"9" * 5000, "2: a number has too many digits"),
        (b'[[service]]\nmatch = "host"\nmax_acts_per_hour = ' + b"9" * 4000, "3: max_acts_per_hour: expected a whole"),
        (
            b'[[service]]\nmatch = "host"\nmax_acts_per_hour = 0x' + b"f" * 5000,
            "3: max_acts_per_hour: expected a whole",
        ),
        (b'[[service]]\nmatch = "host"\nrestart = ["a\\u0000b"]', "3: restart: holds a NUL byte"),
    ],
)
def test_a_file_that_is_no_text_is_told(tmp_path: Path, raw: bytes, told: str) -> None:
    """Other bytes than UTF-8, too many of them, nested without end, numbers and texts that nothing can take."""
    path = tmp_path / "forestall.toml"
    path.write_bytes(raw)
    _, found = check((str(path),), {})
    assert f"{found[0].place.line}: {found[0].words}".startswith(told)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A directory in its place."""
    _, found = check((str(tmp_path),), {})
    assert "cannot be read" in found[0].words


@given(st.text("[]=\"'a.\n{}#$: 1service", max_size=60))
def test_any_text_gives_a_configuration_and_mistakes(text: str) -> None:
    """Nothing is raised, whatever stands in the file."""
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        config, found = check((file.name,), {})
    assert isinstance(config, Config)
    assert all(mistake.place.line >= 1 for mistake in found)
