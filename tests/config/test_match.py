"""The match language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.config.match import KINDS, Matcher, parse, policy_for
from forestall.model.errors import Malformed
from forestall.model.policy import Policy
from forestall.model.target import CONTAINER, HOST, POD, PROCESS, UNIT, Target

API = Target(UNIT, "/system.slice/api-1.service#7", "api-1.service", "/system.slice/api-1.service")


@pytest.mark.parametrize(
    ("match", "target", "fits"),
    [
        ("host", Target(HOST, "b00t", "host"), True),
        ("host", API, False),
        ("unit:api-*.service", API, True),
        ("unit:api-1.service", API, True),
        ("unit:api", API, False),
        ("unit:*", API, True),
        ("container:*", API, False),
        ("container:web-?", Target(CONTAINER, "x#1", "web-1", "/docker/x"), False),
        ("pod:shop/*", Target(POD, "p#1", "shop/api-1", "/kubepods/p"), True),
        ("pod:*", Target(POD, "p#1", "shop/api-1", "/kubepods/p"), False),
        ("pod:**", Target(POD, "p#1", "shop/api-1", "/kubepods/p"), True),
        ("cgroup:/system.slice/*", API, True),
        ("cgroup:/*", API, False),
        ("cgroup:/**", API, True),
        ("cgroup:**/api-*", API, True),
        ("cgroup:/**", Target(PROCESS, "812@99", "java"), False),
        ("process:java", Target(PROCESS, "812@99", "java"), True),
        ("process:a.b", Target(PROCESS, "812@99", "axb"), False),
    ],
)
def test_a_match_means_these_targets(match: str, target: Target, fits: bool) -> None:
    """One star stops at a slash, two do not, everything else stands for itself."""
    assert parse(match).fits(target) is fits


@pytest.mark.parametrize(
    ("matches", "winner"),
    [
        (["unit:*", "unit:api-*"], 1),
        (["unit:api-*", "unit:*"], 0),
        (["unit:api-1.service", "unit:api-1.servic*"], 0),
        (["unit:api-*", "unit:api-*"], 1),
        (["cgroup:/system.slice/api-*.service", "unit:api-1.service"], 1),
        (["unit:db-*", "container:*"], None),
    ],
)
def test_the_most_literal_match_wins_then_the_later(matches: list[str], winner: int | None) -> None:
    """A name without any star comes before all others."""
    policies = [Policy(match, go=str(index)) for index, match in enumerate(matches)]
    found = policy_for(policies, API)
    assert (None if found is None else int(found.go)) == winner
    assert Matcher(policies).policy_for(API) == found


@pytest.mark.parametrize(
    "match", ["", "unit", "unit:", "units:x", "host:", "host:x", "cgroup:system.slice", "unit:" + "a*" * 40, "*"]
)
def test_what_is_no_match_is_refused(match: str) -> None:
    """The words say what is wrong."""
    with pytest.raises(Malformed):
        parse(match)


@given(st.sampled_from([kind for kind in KINDS if kind != HOST]), st.text(max_size=20))
def test_any_text_is_a_match_or_malformed(kind: str, glob: str) -> None:
    """Signs that mean something in a regular expression mean nothing here."""
    try:
        match = parse(f"{kind}:{glob}")
    except Malformed:
        return
    if "*" not in glob:
        assert match.fits(Target(kind, "x", glob, glob))
        assert not match.fits(Target(kind, "x", f"{glob}x", f"{glob}x"))


@given(st.text("ab/*", min_size=1, max_size=8), st.text("ab/", min_size=1, max_size=8))
def test_stars_mean_what_a_walk_by_hand_finds(glob: str, name: str) -> None:
    """Against a slow matcher that tries every way."""

    def fits(parts: list[str], rest: str) -> bool:
        if not parts:
            return not rest
        head, *tail = parts
        if "*" not in head:
            return rest.startswith(head) and fits(tail, rest[len(head) :])
        ends = range(len(rest) + 1)
        return any(fits(tail, rest[end:]) for end in ends if len(head) > 1 or "/" not in rest[:end])

    parts = [part for part in re.split(r"(\*+)", glob) if part]
    assert parse(f"unit:{glob}").fits(Target(UNIT, "x", name)) is fits(parts, name)
