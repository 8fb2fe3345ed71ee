"""`forestall capture TARGET`: the evidence of one target, now, on stdout."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Final

from forestall.engine.host import host_reading
from forestall.model.plain import plain
from forestall.model.target import HOST, Target
from forestall.model.units import format_bytes
from forestall.operations.capture import capture
from forestall.query.find import find
from forestall.query.views import table
from forestall.ui.cli.watching import Watch, live

NAME: Final = "capture"
HELP: Final = "keep evidence of a target now: cgroup files, top processes, smaps, pressure"
EPILOG: Final = """examples:
  forestall capture nginx.service > nginx.txt
  forestall capture 812 --json | jq -r '.pieces[].name'
"""


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("target", metavar="TARGET", help="a name as status shows it, a pid, a cgroup path, or host")


def _target(watch: Watch, written: str) -> tuple[Target, int]:
    """Return the target that is meant and the bytes that it uses."""
    now = watch.look()
    if written == HOST:
        reading = host_reading(now.frame.host, now.frame.moment)
        return reading.target, reading.used_bytes
    row = find(table(now, "risk", 0.0).services, written, watch.path_of)[0]
    return Target(row.kind, row.identity, row.name, row.path), row.used_bytes


def run(options: Namespace) -> int:
    """Take it and print it."""
    watch = live(options.state_dir)
    taken = capture(*_target(watch, options.target))
    if options.json:
        fields = plain(taken)
        assert isinstance(fields, dict)
        print(json.dumps({"version": 1, **fields}, ensure_ascii=False))
        return 0
    print(f"# {taken.target.kind} {taken.target.name}: {format_bytes(taken.value_bytes)} used")
    for piece in taken.pieces:
        print(f"\n## {piece.name}\n{piece.text}")
    return 0
