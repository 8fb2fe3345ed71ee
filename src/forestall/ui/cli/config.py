"""`forestall config check`: every mistake of the configuration with its file and line, and what it would do."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from typing import Final

from forestall.config.encode import encode
from forestall.operations.agent import read_config

NAME: Final = "config"
HELP: Final = "check the configuration and explain every mistake"
EPILOG: Final = """examples:
  forestall config check                     /etc/forestall/forestall.toml and conf.d
  forestall config check --config my.toml    one file
  forestall config check --json              what it was read as
"""


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("deed", choices=("check",), help="what to do with it")
    parser.add_argument("--config", metavar="FILE", help="instead of /etc/forestall/forestall.toml and conf.d")


def run(options: Namespace) -> int:
    """Check; 0 when there is no mistake, 3 otherwise."""
    config = read_config(options.config, os.environ)
    if options.json:
        print(json.dumps(encode(config)))
        return 0
    files = ", ".join(config.files) or "no file: everything is watched, nothing is touched"
    print(f"ok: {files}")
    for policy in config.services:
        print(f"  {policy.match}{' (dry run)' if policy.dry_run else ''}{' (protected)' if policy.protect else ''}")
        for step in policy.steps:
            deeds = ", ".join(" ".join((deed.verb, *deed.arguments)) for deed in step.deeds)
            print(f"    when {step.text}: {deeds}")
    return 0
