"""`forestall up` (scripts/run): agent, page and the live table together, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from typing import Final

import forestall
from forestall.model.errors import Absent
from forestall.operations.agent import read_config
from forestall.operations.look import recorded_now
from forestall.operations.up import Together
from forestall.query.here import own_places
from forestall.query.places import Places
from forestall.ui.cli import status, web
from forestall.ui.cli.screen import terminal
from forestall.ui.cli.watching import live

NAME: Final = "up"
HELP: Final = "agent, page and the live table together, until Ctrl-C"
EPILOG: Final = """examples:
  scripts/run                            the page's address, then every service live
  scripts/run --listen 127.0.0.1:0       the page on any free port
  scripts/run --state-dir ./state        everything that is written below ./state
"""
_CODE: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from forestall.ui.cli.main import main; sys.exit(main())"
)


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("--config", metavar="FILE", help="instead of /etc/forestall/forestall.toml and conf.d")
    parser.add_argument("--listen", metavar="HOST:PORT", default=web.LISTEN, help=f"the page (default {web.LISTEN})")
    status.arguments(parser)
    parser.epilog = EPILOG


def run(options: Namespace) -> int:
    """Start both, show the table, end both."""
    where = own_places(options.state_dir, writes=True)
    config = read_config(options.config, os.environ)
    host, port = web.address(options.listen)
    _alone(where)
    port = web.free_port(host, port)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    together = Together(config, where, _page(options, host, port), os.environ)
    try:
        _show(options, together, web.url(host, port))
        if not together.alive():
            raise Absent("the agent or its page has ended by itself", "its words: scripts/run 2>forestall.log")
    except KeyboardInterrupt:
        return 0
    finally:
        # A second Ctrl-C must not leave the agent behind; the end is bounded in time.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        together.end()
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _alone(where: Places) -> None:
    """Two agents cannot write to the same files: the second one is told where the first is to be seen."""
    if recorded_now(where) is not None:
        hint = "watch it: forestall status --watch, forestall web; or run another with --state-dir DIR"
        raise Absent(f"another forestall already runs with its files in {where.state}", hint)


def _page(options: Namespace, host: str, port: int) -> tuple[str, ...]:
    source = os.path.dirname(os.path.dirname(os.path.abspath(forestall.__file__)))
    words = ["web", "--listen", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    if options.state_dir:
        words += ["--state-dir", options.state_dir]
    return (sys.executable, "-I", "-c", _CODE, source, *words)


def _show(options: Namespace, together: Together, url: str) -> None:
    """Show the live table below the page's address; without a terminal the table once, and then wait for an end."""
    screen = terminal(os.environ)
    options.target = None
    if screen.tty and not options.json:
        options.watch = True
        headline = f"forestall: the page is at {url}, q to leave."
        status.show(options, live(options.state_dir), screen, headline, together.alive)
        return
    status.show(options, live(options.state_dir), screen)
    while together.alive():
        signal.sigtimedwait((), 0.5)
