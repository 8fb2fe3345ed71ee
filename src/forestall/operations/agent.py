"""`forestall agent`: read the configuration, then become the guard, which forks its recorder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple, NoReturn

from forestall.agent.mission import Mission
from forestall.agent.offspring import kin_of
from forestall.config.encode import encode
from forestall.config.load import find, load
from forestall.config.schema import Config
from forestall.model.errors import Misuse
from forestall.operations.guarding import become_guard, start_guard
from forestall.operations.leftovers import end_leftovers
from forestall.query.places import Places
from forestall.system.files import make_directory
from forestall.system.process import Held


class Started(NamedTuple):
    """An agent that we started: its guard, and the end of a pipe that we hold open as long as it shall live."""

    guard: Held
    lifeline_fd: int


NOT_YET: Final = ("process:", "run:")


def read_config(file: str | None, environment: Mapping[str, str]) -> Config:
    """Return the configuration, checked; raises Misuse with every mistake's file and line."""
    config = load(find(file), environment)
    for policy in config.services:
        if policy.steps and policy.match.startswith(NOT_YET):
            kind = policy.match.partition(":")[0]
            why = f"acting on {kind} targets is not in this release"
            raise Misuse(f"service {policy.match}", why, "match its unit, container or cgroup", exit_code=3)
    return config


def mission(config: Config, places: Places) -> Mission:
    """Return what an agent's guard is told; its directories are made."""
    make_directory(places.state)
    make_directory(places.runtime)
    return Mission(encode(config), os.path.abspath(places.state), os.path.abspath(places.runtime))


def become_agent(config: Config, places: Places) -> NoReturn:
    """Turn this process into the agent."""
    end_leftovers(f"{places.runtime}/run")
    become_guard(mission(config, places))


def start_agent(config: Config, places: Places) -> Started:
    """Start an agent as a child that never acts on us or what we start, and that ends when we are gone."""
    end_leftovers(f"{places.runtime}/run")
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        order = mission(config, places)._replace(control_fd=reading, kin=(kin_of(os.getpid()),))
        return Started(start_guard(order), writing)
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
