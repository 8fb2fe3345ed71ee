"""The configuration that the docs show is one that forestall accepts, word for word."""

from __future__ import annotations

import re
from pathlib import Path

from forestall.config.load import load
from tests.support.tree import TREE

PAGE = TREE / "docs" / "configuration.md"
EXAMPLE = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def test_every_example_of_the_configuration_page_is_accepted(tmp_path: Path) -> None:
    """A reader can copy each example into a file and start."""
    examples = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert examples
    for number, example in enumerate(examples):
        file = tmp_path / f"example-{number}.toml"
        file.write_text(example, encoding="utf-8")
        assert load((str(file),), {}).services


def test_the_page_names_every_word_that_a_step_may_do() -> None:
    """No act is left for the reader to discover."""
    from forestall.model.action import VERBS

    page = PAGE.read_text(encoding="utf-8")
    assert [verb for verb in sorted(VERBS) if f"| `{verb}` |" not in page] == []
