"""Lines of keys and tables in TOML."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from forestall.config.lines import Path, line_of, lines

TEXT = '''# a comment with = and [brackets]
top = 1
"quoted key" = "# no comment \\" [x]"
'literal.key' = 'C:\\'

[agent]   # behind a header
interval = "10s"
dotted . inner = 2
many = [
  "a", # ]
  "b]", """
] still text
""",
]
after = { x = 1, "y]" = "}" }

[notify."web.hook"]
url = """
http://x
\\""""
then = \'\'\'
it's "''\'\'\'
[[service]]
match = "host"
  [[service.step]]
  when = "a"
  [[service.step]]
  when = "b"
[[service]]
match = "unit:x"
[service.more]
key = 1
  [[service.step]]
  when = "c"
'''


def numbered(word: str) -> int:
    """The line that holds the word first."""
    return next(number for number, line in enumerate(TEXT.split("\n"), start=1) if word in line)


def paths(parsed: Any, path: Path = ()) -> list[Path]:
    """Every path of a parsed document."""
    below = parsed.items() if isinstance(parsed, dict) else enumerate(parsed) if isinstance(parsed, list) else ()
    return [path] * bool(path) + [found for key, part in below for found in paths(part, (*path, key))]


def test_every_key_has_its_line() -> None:
    """Also after texts and lists over several lines, with signs inside that mean nothing there."""
    tomllib.loads(TEXT)
    known = lines(TEXT)
    expected: dict[Path, str] = {
        ("top",): "top",
        ("quoted key",): '"quoted key"',
        ("literal.key",): "'literal.key'",
        ("agent",): "[agent]",
        ("agent", "dotted", "inner"): "dotted",
        ("agent", "many"): "many",
        ("agent", "after"): "after",
        ("notify", "web.hook", "url"): "url",
        ("notify", "web.hook", "then"): "then",
        ("service", 0, "match"): 'match = "host"',
        ("service", 0, "step", 0, "when"): 'when = "a"',
        ("service", 0, "step", 1, "when"): 'when = "b"',
        ("service", 1, "match"): 'match = "unit:x"',
        ("service", 1, "more", "key"): "key = 1",
        ("service", 1, "step", 0, "when"): 'when = "c"',
    }
    assert {path: known.get(path) for path in expected} == {path: numbered(word) for path, word in expected.items()}


def test_what_lies_inside_of_a_value_has_the_line_of_its_key() -> None:
    """Parts of a list, keys of an inline table."""
    known = lines(TEXT)
    assert line_of(known, ("agent", "many", 1)) == numbered("many")
    assert line_of(known, ("agent", "after", "x")) == numbered("after")
    assert line_of(known, ("nowhere",)) == 1


def test_windows_line_ends_count_once() -> None:
    """A file that was edited elsewhere has the same lines."""
    assert lines(TEXT.replace("\n", "\r\n")) == lines(TEXT)


KEYS = st.text("ab.'\" #=[", min_size=1, max_size=4)
SCALARS = st.integers() | st.booleans() | st.text("ab\"'\\#[]{}=\n ", max_size=8)


def written(key: str) -> str:
    """A key in quotes; a text that needs no more escapes than JSON's."""
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def scalar(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, str):
        return written(value)
    return str(value).lower()


@given(
    st.lists(
        st.tuples(st.sampled_from(["[{}]", "[[{}]]"]), KEYS, st.dictionaries(KEYS, SCALARS, max_size=3)),
        max_size=5,
        unique_by=lambda table: table[1],
    )
)
def test_any_document_has_the_lines_it_was_written_with(tables: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Generated tables of any names and values: each key is found on its own line."""
    text, expected = [], {}
    for form, name, pairs in tables:
        text.append(form.format(written(name)))
        table: Path = (name, 0) if form == "[[{}]]" else (name,)
        expected[table] = len(text)
        for key, value in pairs.items():
            text.append(f"{written(key)} = {scalar(value)} # x")
            expected[(*table, key)] = len(text)
    document = "\n".join(text)
    assert set(expected) <= set(paths(tomllib.loads(document)))
    known = lines(document)
    assert {path: known.get(path) for path in expected} == expected


@given(st.text("a=[]\"'#\n{}.", max_size=30))
def test_any_text_ends(text: str) -> None:
    """Text that is no TOML is stepped over without an error and without hanging."""
    assert all(line >= 1 for line in lines(text).values())
