"""The matrix of the first promise: leaks are stopped before the kernel acts, everything else is never touched.

Used by `test_thread.py` (a few of each, side by side) and by `tests/proof/thread.py` (twenty).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, NamedTuple

from tests.live import programs
from tests.live.field import LADDER, Agent, Player, field_of

LIMIT_MIB: Final = 512
SECONDS: Final = 34.0
END_SECONDS: Final = 20.0
STAGGER_SECONDS: Final = 3.0
"""Two cores fault in about 1 GiB/s: those that start together would measure each other."""

LEAKS: Final = {"leak20": 20.0, "leak100": 100.0}
CALM: Final = {
    "step60": programs.command("step", LIMIT_MIB, 0.6, 3.0, SECONDS),
    "spike90": programs.command("spike", LIMIT_MIB, 0.9, 3.0, 2.0, SECONDS),
    "sawtooth": programs.command("saw_tooth", LIMIT_MIB, 0.4, 0.75, 4.0, SECONDS),
    "pagecache": programs.command("page_cache", LIMIT_MIB, SECONDS),
}
AFTER_TERM_SECONDS: Final = 0.5


class Played(NamedTuple):
    """What became of one process: its exit code (None: it had to be ended by the test), kernel kills, peak share."""

    name: str
    exit_code: int | None
    kernel_kills: int
    peak_ratio: float
    outcomes: tuple[str, ...]

    @property
    def stopped_in_time(self) -> bool:
        """Whether a leak was ended by the guard and not by the kernel."""
        return self.exit_code is not None and self.kernel_kills == 0 and any("done" in one for one in self.outcomes)

    @property
    def untouched(self) -> bool:
        """Whether it ran to its own end, with nobody laying hands on it."""
        return self.exit_code == 0 and self.kernel_kills == 0 and not self.outcomes


def play(mount: str, directory: Path, each: int, extra: dict[str, tuple[str, ...]] | None = None) -> list[Played]:
    """Run `each` of every kind side by side under one agent and return what became of them."""
    with field_of(mount) as field:
        config = LADDER.format(path=field.path, notices=directory / "notices.jsonl")
        with Agent(directory, config) as agent:
            players = []
            for number in range(each):
                time.sleep(number and STAGGER_SECONDS)
                for name, rate in LEAKS.items():
                    words = programs.command("leak", rate, AFTER_TERM_SECONDS)
                    players.append(Player(field, f"{name}-{number}", LIMIT_MIB, words))
                for name, words in {**CALM, **(extra or {})}.items():
                    players.append(Player(field, f"{name}-{number}", LIMIT_MIB, words))
            codes = [player.wait(SECONDS + END_SECONDS) for player in players]
        outcomes = agent.events("outcome")
        return [_played(player, code, outcomes) for player, code in zip(players, codes, strict=True)]


def _played(player: Player, code: int | None, outcomes: list[dict[str, object]]) -> Played:
    words = []
    for outcome in outcomes:
        target, deed = outcome["target"], outcome["deed"]
        assert isinstance(target, dict)
        assert isinstance(deed, dict)
        if target["path"] == player.target and deed["verb"] == "terminate":
            words.append(f"{outcome['result']}: {outcome['words']}")
    return Played(player.name, code, player.kernel_kills(), player.peak_ratio(), tuple(words))
