"""`forestall status`: the host as free(1) prints it, then services by risk, or one of them with all its numbers."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from forestall.model.errors import Misuse
from forestall.model.plain import plain
from forestall.model.target import HOST
from forestall.query.find import find
from forestall.query.freshness import between_seconds
from forestall.query.now import Now
from forestall.query.views import SORTS, ServiceRow, Table, host_service, table
from forestall.ui.cli.detail import detail
from forestall.ui.cli.free import Layout, header
from forestall.ui.cli.screen import Screen, terminal
from forestall.ui.cli.services import ROWS_SHOWN, kills, notes, services, source
from forestall.ui.cli.watching import Watch, live
from forestall.ui.words import HUMAN, Unit

NAME: Final = "status"
HELP: Final = "memory of the host and of every service, the most urgent first (our free)"
EPILOG: Final = """examples:
  forestall status                      host and services, sizes as people read them
  forestall status -m -w -t             free's own options, here for the services too
  forestall status --watch              repaint every 2 s until q; growth shows after some seconds
  forestall status --sort headroom      what has the least room first
  forestall status nginx.service        one service with all its numbers; also a pid or a cgroup path
  forestall status --json | jq '.services[0].verdict'
"""

WATCH_SECONDS: Final = 2.0
SECONDS_MIN: Final = 0.1
SECONDS_MAX: Final = 86_400.0
JSON_VERSION: Final = 1
HEADLINE: Final = "forestall status, q to leave."
UNITS: Final = (
    (("-b", "--bytes"), 0, "sizes in bytes"),
    (("-k", "--kibi"), 1, "sizes in KiB"),
    (("-m", "--mebi"), 2, "sizes in MiB"),
    (("-g", "--gibi"), 3, "sizes in GiB"),
)


def arguments(parser: ArgumentParser) -> None:
    """Declare the options: those of free(1) with their meaning there, then ours."""
    parser.epilog = EPILOG
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="show one only: its name, pid or cgroup path, or host"
    )
    units = parser.add_argument_group("sizes").add_mutually_exclusive_group()
    for names, exponent, words in UNITS:
        units.add_argument(*names, dest="exponent", action="store_const", const=exponent, help=words)
    units.add_argument("-h", "--human", dest="exponent", action="store_const", const=None, help="readable (default)")
    parser.add_argument("--si", action="store_true", help="powers of 1000 instead of 1024")
    rows = parser.add_argument_group("rows")
    rows.add_argument("-w", "--wide", action="store_true", help="buffers and cache in columns of their own")
    rows.add_argument("-l", "--lohi", action="store_true", help="low and high memory")
    rows.add_argument("-t", "--total", action="store_true", help="a line with RAM + swap")
    rows.add_argument("-v", "--committed", action="store_true", help="committed memory and its limit")
    rows.add_argument("--sort", metavar="KEY", default="risk", choices=sorted(SORTS), help=f"one of {', '.join(SORTS)}")
    rows.add_argument("--all", action="store_true", help=f"every service, not the first {ROWS_SHOWN}")
    again = parser.add_argument_group("repeating")
    again.add_argument("-s", "--seconds", type=float, metavar="N", help="again every N seconds")
    again.add_argument("-c", "--count", type=int, metavar="N", help="N times, then end")
    again.add_argument("--watch", action="store_true", help="repaint in place until q or Ctrl-C")


def run(options: Namespace) -> int:
    """Show it; 0 when it was shown."""
    screen = terminal(os.environ)
    return show(options, live(options.state_dir), screen)


def always() -> bool:
    """What is shown goes on by itself."""
    return True


def show(
    options: Namespace, watch: Watch, screen: Screen, headline: str = HEADLINE, goes_on: Callable[[], bool] = always
) -> int:
    """Draw what `watch` sees on the screen: once, or as often as the options say and for as long as `goes_on` says so.

    `headline` stands above a watched table.
    """
    _check(options)
    if not _repeats(options):
        _once(options, watch.look(), watch, screen)
        return 0
    with screen.taken() if options.watch and not options.json else nullcontext():
        for count in range(1, (options.count or sys.maxsize) + 1):
            _again(options, watch, screen, headline, first=count == 1)
            if count == options.count or not goes_on() or screen.leave_within(_pace_seconds(options)):
                break
    return 0


def _check(options: Namespace) -> None:
    if options.seconds is not None and not options.seconds >= SECONDS_MIN:
        raise Misuse(f"--seconds {options.seconds:g}", f"is below {SECONDS_MIN:g}", "as in free: -s 2")
    if options.seconds is not None and options.seconds > SECONDS_MAX:
        raise Misuse(f"--seconds {options.seconds:g}", f"is above {SECONDS_MAX:g}, a day", "as in free: -s 2")
    if options.count is not None and options.count < 1:
        raise Misuse(f"--count {options.count}", "is below 1", "as in free: -c 3")


def _repeats(options: Namespace) -> bool:
    return options.watch or options.seconds is not None or options.count is not None


def _pace_seconds(options: Namespace) -> float:
    return options.seconds or (WATCH_SECONDS if options.watch else 1.0)


def _again(options: Namespace, watch: Watch, screen: Screen, headline: str, *, first: bool) -> None:
    now = watch.look()
    if options.watch and not options.json:
        screen.repaint(_lines(options, now, _table(options, now, watch), watch, screen, headline))
        return
    _once(options, now, watch, screen, first=first)
    if not options.json:
        screen.write([""])


def _once(options: Namespace, now: Now, watch: Watch, screen: Screen, first: bool = True) -> None:
    seen = _table(options, now, watch)
    if options.json:
        screen.write([json.dumps(_document(options, now, seen, watch), ensure_ascii=False)])
    else:
        screen.write(_lines(options, now, seen, watch, screen))
    if first:
        for words in (source(seen), *notes(seen)):
            if words:
                print(f"forestall: {words}", file=sys.stderr)


def _table(options: Namespace, now: Now, watch: Watch) -> Table:
    return table(now, options.sort, between_seconds(now.frame.moment, watch.moment()))


def _document(options: Namespace, now: Now, seen: Table, watch: Watch) -> dict[str, object]:
    """The whole table with field names; with a TARGET only its rows."""
    if options.target:
        seen = seen._replace(services=_wanted(options, now, seen, watch))
    fields = plain(seen)
    assert isinstance(fields, dict)
    return {"version": JSON_VERSION, **fields}


def _lines(
    options: Namespace, now: Now, seen: Table, watch: Watch, screen: Screen, headline: str = HEADLINE
) -> list[str]:
    unit = _unit(options)
    if options.target:
        found = _wanted(options, now, seen, watch)
        return [line for row in found for line in (*detail(row, seen, unit, screen.colour), "")][:-1]
    layout = Layout(options.wide, options.lohi, options.total, options.committed)
    lines = [*header(seen.host, unit, layout), "", *kills(seen)]
    rows_max = None if options.all else ROWS_SHOWN
    if options.watch and screen.tty:
        lines = [_headline(headline, seen), *lines]
        rows_max = min(rows_max or len(seen.services), max(1, screen.height - len(lines) - 3))
    return lines + services(seen, unit, screen.width, rows_max, screen.colour)


def _headline(words: str, seen: Table) -> str:
    """What stands above a watched table, where stderr cannot be read."""
    return f"{words} {source(seen)}".rstrip()


def _wanted(options: Namespace, now: Now, seen: Table, watch: Watch) -> tuple[ServiceRow, ...]:
    if options.target == HOST:
        return (host_service(now, seen.age_seconds),)
    return find(seen.services, options.target, watch.path_of)


def _unit(options: Namespace) -> Unit:
    base = 1000 if options.si else 1024
    return HUMAN._replace(base=base) if options.exponent is None else Unit(options.exponent, base)
