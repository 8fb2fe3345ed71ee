"""`forestall capture`: the evidence of one target, now, on stdout; and the captures that were kept before."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from forestall.engine.host import host_reading
from forestall.model.capture import Capture
from forestall.model.errors import Misuse
from forestall.model.plain import plain
from forestall.model.target import HOST, Target
from forestall.model.units import format_bytes
from forestall.operations.capture import capture
from forestall.query.find import find
from forestall.query.here import own_places
from forestall.query.views import table
from forestall.ui.cli.table import Column, Line, lay_out
from forestall.ui.cli.watching import Watch, live

NAME: Final = "capture"
HELP: Final = "keep evidence of a target now: cgroup files, top processes, smaps, pressure"
JSON_VERSION: Final = 1
EPILOG: Final = """examples:
  forestall capture nginx.service > nginx.txt
  forestall capture 812 --json | jq -r '.pieces[].name'
  forestall capture --list                     what the agent, run and demo have kept, and why
  forestall capture --show ID                  one of them; the beginning of an id will do
"""
COLUMNS: Final = (
    Column("TIME", right=False),
    Column("TARGET", right=False),
    Column("USED"),
    Column("KIND", right=False),
    Column("ID", right=False),
    Column("WHY", right=False),
)


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    wanted = parser.add_mutually_exclusive_group()
    names = "a name as status shows it, a pid, a cgroup path, or host"
    wanted.add_argument("target", metavar="TARGET", nargs="?", help=names)
    wanted.add_argument("--list", action="store_true", help="the captures that are kept, oldest first")
    wanted.add_argument("--show", metavar="ID", help="print a kept one")


def run(options: Namespace) -> int:
    """Take it, or find it among the kept ones, and print it."""
    if options.list or options.show is not None:
        return _kept(options)
    if options.target is None:
        raise Misuse("forestall capture", "names no target", "forestall capture nginx.service, or --list")
    watch = live(options.state_dir)
    _print(capture(*_target(watch, options.target)), as_json=options.json)
    return 0


def listed(captures: Sequence[Capture]) -> list[str]:
    """A table of captures: when, of what, how much it used, whether whole, by which id, and why."""
    return lay_out(COLUMNS, [_line(one) for one in captures], None)


def _target(watch: Watch, written: str) -> tuple[Target, int]:
    """Return the target that is meant and the bytes that it uses."""
    now = watch.look()
    if written == HOST:
        reading = host_reading(now.frame.host, now.frame.moment)
        return reading.target, reading.used_bytes
    row = find(table(now, "risk", 0.0).services, written, watch.path_of)[0]
    return Target(row.kind, row.identity, row.name, row.path), row.used_bytes


def _kept(options: Namespace) -> int:
    from forestall.query.captures import kept_capture, kept_captures  # brings SQLite, which a fresh capture never needs

    state = own_places(options.state_dir).state
    if options.show is not None:
        _print(kept_capture(state, options.show), as_json=options.json)
        return 0
    found = [kept.capture for kept in kept_captures(state)]
    if options.json:
        print(json.dumps({"version": JSON_VERSION, "captures": [_heading(one) for one in found]}, ensure_ascii=False))
    else:
        print("\n".join(listed(found)))
    return 0


def _heading(one: Capture) -> dict[str, object]:
    """A capture without its pieces' texts."""
    fields = plain(one)
    assert isinstance(fields, dict)
    return {**fields, "pieces": [piece.name for piece in one.pieces]}


def _line(one: Capture) -> Line:
    at = datetime.fromtimestamp(one.at_wall_seconds).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006 - local time
    kind = "minimal" if one.minimal else "full"
    return Line((at, one.target.name, format_bytes(one.value_bytes), kind, one.id, one.why))


def _print(one: Capture, *, as_json: bool) -> None:
    if as_json:
        fields = plain(one)
        assert isinstance(fields, dict)
        print(json.dumps({"version": JSON_VERSION, **fields}, ensure_ascii=False))
        return
    print(f"# {one.target.kind} {one.target.name}: {format_bytes(one.value_bytes)} used")
    for piece in one.pieces:
        print(f"\n## {piece.name}\n{piece.text}")
