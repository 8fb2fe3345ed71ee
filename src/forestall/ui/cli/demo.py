"""`forestall demo`: tells the story of a real leak live, and ends with what the kernel counted."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any, Final

from forestall.model.plain import plain
from forestall.model.units import format_bytes, format_duration, format_ratio
from forestall.operations.demo import Result, demo
from forestall.operations.run import Report
from forestall.query.here import own_places
from forestall.ui.words import counted

NAME: Final = "demo"
HELP: Final = "a real leak in a real cgroup, seen coming and stopped in time"
EPILOG: Final = """examples:
  forestall demo              half a minute: growth, forecast, capture, graceful stop, restart, no kernel kill
  forestall demo --no-guard   the same leak without forestall: the kernel kills it
  forestall demo --json       one object at the end: kernel_kills, warned_seconds_before_limit, captures, ...
"""
BAR_WIDTH: Final = 30
LINE_EVERY_SECONDS: Final = 1.0
EXIT_FINDINGS: Final = 1
SHAPES: Final = {"unknown": "too early to tell"}


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("--no-guard", action="store_true", help="let the kernel have it, for comparison")


def run(options: Namespace) -> int:
    """Show it; 0 when what was promised happened, 1 when not."""
    where = own_places(options.state_dir, writes=True)
    tale = Tale(silent=options.json)
    alone = ", nobody guards" if options.no_guard else ""
    tale.say(f"a process leaks 12 MiB/s in a cgroup limited to 256 MiB{alone}")
    result, report = demo(where, tale.hear, guarded=not options.no_guard)
    if options.json:
        print(json.dumps(plain(result)))
    else:
        tale.say(_ending(result, report, guarded=not options.no_guard))
    kept = result.kernel_kills == 0 and result.restarts == 1 and result.captures > 0
    return 0 if (result.kernel_kills >= 1 if options.no_guard else kept) else EXIT_FINDINGS


class Tale:
    """Turns the guard's story into lines that a person follows."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._began: float | None = None
        self._next = 0.0

    def say(self, words: str) -> None:
        """Say one line."""
        if not self._silent:
            print(words, flush=True)

    def hear(self, message: dict[str, Any]) -> None:
        """Tell one event."""
        kind = message["k"]
        if kind == "stand":
            self._stand(message)
        elif kind == "finding" and message["finding"]["rule"] == "step":
            if not message.get("notify"):
                self.say(f"  ! {message['finding']['summary']}")
        elif kind == "captured":
            kinds = "cgroup files, top processes, smaps, pressure"
            self.say(f"  + captured: {message['pieces']} pieces of evidence ({kinds})")
        elif kind == "minimal":
            self.say("  + minimal capture kept in memory, before anything is stopped")
        elif kind == "outcome" and message["outcome"]["deed"]["verb"] == "terminate":
            self.say(f"  > {message['outcome']['words']}")
        elif kind == "again":
            self._began = None
            self.say("  > started again, with a new memory of its own")

    def _stand(self, message: dict[str, Any]) -> None:
        at = float(message["at"])
        if self._began is None:
            self._began = self._next = at
        if at < self._next:
            return
        self._next = at + LINE_EVERY_SECONDS
        share = message["used"] / message["limit"] if message["limit"] else 0.0
        bar = ("#" * round(share * BAR_WIDTH)).ljust(BAR_WIDTH, ".")
        left = message["left"]
        forecast = (
            f"limit in {format_duration(left)}" if left is not None else SHAPES.get(message["shape"], message["shape"])
        )
        sure = f", {format_ratio(message['confidence'])} sure" if left is not None else ""
        used = f"{format_bytes(message['used'])} ({format_ratio(share)})"
        self.say(f"{at - self._began:5.0f}s [{bar}] {used} {forecast}{sure}")


def _ending(result: Result, report: Report, *, guarded: bool) -> str:
    peak = f"highest use {format_ratio(result.peak_ratio)} of the limit"
    if not guarded:
        counts = counted(result.kernel_kills, "kill")
        return f"the kernel killed it ({counts} counted); exit code {report.exit_code}; {peak}"
    warned = "no warning"
    if result.warned_seconds_before_limit is not None:
        warned = f"warned {format_duration(result.warned_seconds_before_limit)} before the limit"
    kills = "no kernel kill" if not result.kernel_kills else counted(result.kernel_kills, "kernel kill")
    return f"{kills}, {warned}, {counted(result.captures, 'capture')}, {counted(result.restarts, 'restart')}; {peak}"
