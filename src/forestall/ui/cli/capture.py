"""`forestall capture TARGET`: the evidence of one target, now, on stdout."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Final

from forestall.model.plain import plain
from forestall.model.target import Target
from forestall.model.units import format_bytes
from forestall.operations.capture import capture
from forestall.query.find import find
from forestall.query.views import table
from forestall.ui.cli.watching import live

NAME: Final = "capture"
HELP: Final = "keep evidence of a target now: cgroup files, top processes, smaps, pressure"
EPILOG: Final = """examples:
  forestall capture nginx.service > nginx.txt
  forestall capture 812 --json | jq -r '.pieces[].name'
"""


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("target", metavar="TARGET", help="a name as status shows it, a pid, or a cgroup path")


def run(options: Namespace) -> int:
    """Take it and print it."""
    watch = live(options.state_dir)
    row = find(table(watch.look(), "risk", 0.0).services, options.target, watch.path_of)[0]
    taken = capture(Target(row.kind, row.identity, row.name, row.path), row.used_bytes)
    if options.json:
        fields = plain(taken)
        assert isinstance(fields, dict)
        print(json.dumps({"version": 1, **fields}, ensure_ascii=False))
        return 0
    print(f"# {taken.target.kind} {taken.target.name}: {format_bytes(taken.value_bytes)} used")
    for piece in taken.pieces:
        print(f"\n## {piece.name}\n{piece.text}")
    return 0
