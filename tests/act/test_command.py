"""The act `command`: the operator's own words with the target's facts in them, never a shell."""

from __future__ import annotations

import pytest

from forestall.act import job_for
from forestall.act.command import DEADLINE_SECONDS, PLUGIN
from forestall.model.errors import Misuse
from forestall.model.policy import Policy
from forestall.model.target import CONTAINER, Target

TARGET = Target(CONTAINER, "/docker/abc#7", "web {path} 1; rm -rf /", "/docker/abc")


def test_facts_stand_where_they_are_asked_for() -> None:
    """{name}, {unit}, {path} and {kind} are filled in, inside words too; a word stays one word."""
    policy = Policy("container:*", command=("tell", "--path={path}", "{kind}", "{other}", "{}", "%s"))
    job = PLUGIN.job(TARGET, policy, "used 93% of limit")
    assert job.argv == ("tell", "--path=/docker/abc", "container", "{other}", "{}", "%s")
    assert job.deadline_seconds == DEADLINE_SECONDS


def test_a_name_stays_one_word() -> None:
    """A hostile name is one argument, whatever is in it."""
    job = PLUGIN.job(
        Target(CONTAINER, "x#1", "$(id); a b", "/x"), Policy("container:*", command=("tell", "{name}")), ""
    )
    assert job.argv == ("tell", "$(id); a b")


def test_the_environment_tells_the_whole_story() -> None:
    """The command learns target, kind, cgroup and reason without parsing words."""
    told = dict(PLUGIN.job(TARGET, Policy("container:*", command=("tell",)), "used 93% of limit").environment)
    assert told == {
        "FORESTALL_TARGET": TARGET.name,
        "FORESTALL_KIND": "container",
        "FORESTALL_CGROUP": "/docker/abc",
        "FORESTALL_WHY": "used 93% of limit",
    }


def test_no_command_is_the_operators_mistake() -> None:
    """A policy that acts by `command` and names none is told so, with what to write."""
    with pytest.raises(Misuse, match="no command is configured"):
        PLUGIN.job(TARGET, Policy("container:*"), "")


def test_a_fact_is_not_filled_in_twice() -> None:
    """What a name brings along in braces is not a fact of ours to fill in."""
    assert job_for(("{name}",), TARGET, "", 1.0).argv == ("web {path} 1; rm -rf /",)
