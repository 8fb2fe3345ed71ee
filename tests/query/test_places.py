"""Where forestall keeps what it writes."""

from __future__ import annotations

import pytest

from forestall.query.places import Places, places

HOME = {"HOME": "/u/ann"}


@pytest.mark.parametrize(
    ("state_dir", "uid", "environment", "found"),
    [
        (None, 0, {}, Places("/var/lib/forestall", "/run/forestall")),
        (None, 0, HOME, Places("/var/lib/forestall", "/run/forestall")),
        ("/srv/x", 0, {}, Places("/srv/x", "/srv/x/run")),
        ("/srv/x/", 1000, HOME, Places("/srv/x/", "/srv/x/run")),
        (None, 1000, HOME, Places("/u/ann/.local/state/forestall", "/u/ann/.local/state/forestall/run")),
        (
            None,
            1000,
            {**HOME, "XDG_STATE_HOME": "/s/", "XDG_RUNTIME_DIR": "/run/user/1000"},
            Places("/s/forestall", "/run/user/1000/forestall"),
        ),
        (None, 1000, {"XDG_STATE_HOME": "/s"}, Places("/s/forestall", "/s/forestall/run")),
        (None, 1000, {**HOME, "XDG_STATE_HOME": "relative"}, Places("/u/ann/.local/state/forestall", "")),
    ],
)
def test_places_follow_the_option_then_root_then_xdg(
    state_dir: str | None, uid: int, environment: dict[str, str], found: Places
) -> None:
    """With the option everything lies below it; relative XDG values are ignored, as the specification says."""
    got = places(state_dir, uid, environment)
    assert got.state == found.state
    assert got.runtime == (found.runtime or f"{found.state}/run")


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, HOME, {**HOME, "XDG_RUNTIME_DIR": "/run/user/0"}])
def test_without_a_home_that_may_be_written_there_is_a_private_directory(environment: dict[str, str]) -> None:
    """Below the temporary directory, with the user's number, also for the live state."""
    got = places(None, 65534, environment, lambda _: False)
    assert got == Places("/tmp/forestall-65534", "/tmp/forestall-65534/run", private=True)


def test_a_state_home_that_is_named_is_taken() -> None:
    """Who names a directory means it, and is told when it cannot be written."""
    assert not places(None, 1000, {"XDG_STATE_HOME": "/s"}, lambda _: False).private
