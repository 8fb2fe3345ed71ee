"""A row is found by whatever a person calls it."""

from __future__ import annotations

import pytest

from forestall.model.errors import Absent
from forestall.model.target import PROCESS, Target
from forestall.query.find import find
from forestall.query.views import table
from tests.support import frames

ROWS = table(
    frames.now(
        frames.reading("nginx.service"),
        frames.reading("nginx-exporter.service"),
        frames.reading("postgres.service"),
        frames.reading("deep")._replace(target=Target("cgroup", "/system.slice#1", "system.slice", "/system.slice")),
        frames.reading("python3")._replace(target=Target(PROCESS, "4242@99", "python3", "")),
        frames.reading("python3")._replace(target=Target(PROCESS, "77@12", "python3", "")),
    )
).services


def nowhere(_: int) -> str:
    """No process is in any cgroup."""
    return ""


@pytest.mark.parametrize(
    "wanted",
    ["nginx.service", "nginx", "/system.slice/nginx.service", "/system.slice/nginx.service#7", "unit:nginx.service"],
)
def test_all_names_of_a_service_lead_to_it(wanted: str) -> None:
    """Name, name without suffix, path, identity and kind with name are the same service."""
    assert [row.name for row in find(ROWS, wanted, nowhere)] == ["nginx.service"]


def test_a_part_will_do_when_only_one_name_has_it() -> None:
    """`exporter` is enough; `ngin` is not, and both names are suggested."""
    assert [row.name for row in find(ROWS, "exporter", nowhere)] == ["nginx-exporter.service"]
    with pytest.raises(Absent) as error:
        find(ROWS, "ngin", nowhere)
    assert error.value.remedy == "did you mean nginx-exporter.service, nginx.service?"


def test_a_repeated_name_gives_all_its_rows() -> None:
    """Two process trees of one name are both meant."""
    assert sorted(row.identity for row in find(ROWS, "python3", nowhere)) == ["4242@99", "77@12"]


def test_a_pid_leads_to_its_tree_or_the_innermost_cgroup() -> None:
    """The leader's own row comes before the cgroup it is in; another process leads to the deepest row around it."""
    assert find(ROWS, "4242", lambda _: "/system.slice")[0].identity == "4242@99"
    assert find(ROWS, "9", lambda _: "/system.slice/postgres.service/x")[0].name == "postgres.service"
    assert find(ROWS, "9", lambda _: "/system.slice/other.service")[0].name == "system.slice"


def test_a_pid_without_a_row_says_so() -> None:
    """A process outside every row is not guessed."""
    with pytest.raises(Absent, match="pid 9 belongs to no row"):
        find(ROWS, "9", nowhere)


def test_a_typing_mistake_is_answered_with_the_nearest_name() -> None:
    """`postgers` suggests the service that it almost is; nonsense points at the whole list."""
    with pytest.raises(Absent) as near:
        find(ROWS, "postgers", nowhere)
    with pytest.raises(Absent) as far:
        find(ROWS, "zzzz", nowhere)
    assert near.value.remedy == "did you mean postgres.service?"
    assert far.value.remedy == "see all rows with: forestall status --all"


def test_more_digits_than_a_pid_can_have_are_a_name() -> None:
    """A number that int() would refuse names nothing that runs; it is told, not raised."""
    with pytest.raises(Absent, match="is not running here"):
        find(ROWS, "9" * 5001, nowhere)
