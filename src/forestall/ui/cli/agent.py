"""`forestall agent`: guard and record this machine, in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from typing import Final

from forestall.operations.agent import become_agent, read_config
from forestall.query.here import own_places

NAME: Final = "agent"
HELP: Final = "guard and record this machine, in the foreground"
EPILOG: Final = """examples:
  forestall agent                                  the system's files as root, otherwise the user's own
  forestall agent --config my.toml --state-dir .   everything it writes below this directory

Without any [[service]] in the configuration everything is watched and recorded, and nothing is touched.
"""


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("--config", metavar="FILE", help="instead of /etc/forestall/forestall.toml and conf.d")


def run(options: Namespace) -> int:
    """Become the agent; comes back only with an error."""
    where = own_places(options.state_dir, writes=True)
    config = read_config(options.config, os.environ)
    if options.json:
        print(json.dumps({"version": 1, "state": where.state, "runtime": where.runtime}), flush=True)
    become_agent(config, where)
