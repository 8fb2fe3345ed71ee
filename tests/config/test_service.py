"""What has to fit together in a service's table."""

from __future__ import annotations

import pytest

from forestall.config.service import SERVICE_KEYS, cross_check, policy, step
from forestall.model.policy import Policy, Step


def made(match: str, *words: str, **fields: object) -> Policy:
    """A policy with one step."""
    found = step({"when": "used > 1GiB", "do": words}, lambda _, words: pytest.fail(words)) if words else None
    return policy({"match": match, **fields}, (found,) if found else ())


def complaints(one: Policy) -> list[str]:
    """The keys that are complained of."""
    found: list[str] = []
    cross_check(one, lambda key, _: found.append(key))
    return found


@pytest.mark.parametrize(
    ("one", "keys"),
    [
        (made("unit:x", "restart"), []),
        (made("container:x", "restart"), []),
        (made("host", "restart"), []),
        (made("process:java", "terminate"), []),
        (made("process:java", "restart"), [""]),
        (made("process:java", "restart", restart=("run",)), []),
        (made("unit:x", "command"), [""]),
        (made("unit:x", "command", command=("run",)), []),
        (made("unit:x", protect=True), []),
        (made("unit:x", "notify", protect=True), []),
        (made("unit:x", "restart", protect=True), ["protect"]),
        (made("unit:x", protect=True, victim=True), ["victim"]),
        (made("what:x", "command"), ["match"]),
    ],
)
def test_keys_that_are_wrong_together_are_told(one: Policy, keys: list[str]) -> None:
    """At the key that is to be changed, or at the table that lacks one."""
    assert complaints(one) == keys


def test_a_step_tells_both_its_mistakes() -> None:
    """The condition's and the words', each at its key."""
    found: list[str] = []
    assert step({"when": "x", "do": ("y",)}, lambda key, _: found.append(key)) is None
    assert found == ["when", "do"]


def test_a_step_keeps_its_text() -> None:
    """As it was written, because it travels in that form."""
    found = made("unit:x", "notify").steps[0]
    assert isinstance(found, Step)
    assert found.text == "used > 1GiB"


def test_every_key_is_a_field_of_a_policy() -> None:
    """A renamed field of the model would be found here."""
    assert {key.field for key in SERVICE_KEYS.values()} == set(Policy._fields) - {"steps"}
