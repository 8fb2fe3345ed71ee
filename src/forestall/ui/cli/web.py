"""`forestall web`: serves the page until Ctrl-C; reads only, on loopback unless told otherwise."""

from __future__ import annotations

import json
import os
import sys
import threading
from argparse import ArgumentParser, Namespace
from typing import Final

from forestall.model.errors import Absent, Denied, Misuse
from forestall.ui.cli.watching import live
from forestall.ui.web.http import Request, Response, text
from forestall.ui.web.past import recorded
from forestall.ui.web.routes import Eyes, Site
from forestall.ui.web.server import STACK_BYTES, Answer, Server

NAME: Final = "web"
HELP: Final = "the page: the same table, live, with a chart per service"
LISTEN: Final = "127.0.0.1:8787"
PORT_MAX: Final = 65535
EPILOG: Final = """examples:
  forestall web                         the page on http://127.0.0.1:8787/
  forestall web --listen 0.0.0.0:8787   for the whole network: it has no passwords, so put a proxy before it
  forestall web --listen [::1]:0        on any free port, which is printed
  curl -s 127.0.0.1:8787/api/now        the table as JSON; also /api/history?target=nginx.service and /healthz
"""


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("--listen", metavar="HOST:PORT", default=LISTEN, help=f"address to serve on (default {LISTEN})")


def run(options: Namespace) -> int:
    """Serve until interrupted; 0 then."""
    host, port = address(options.listen)
    watch = live(options.state_dir)
    eyes = Eyes(watch.look, watch.moment, recorded(options.state_dir), watch.path_of)
    site = Site(eyes, host, os.uname().nodename)
    threading.stack_size(STACK_BYTES)  # 16 connections with the usual 8 MiB each would be most of the page's memory
    with _open(host, port, site.answer) as server:
        _announce(host, server.port, options.json)
        try:
            server.serve_forever(poll_interval=3600.0)
        except KeyboardInterrupt:
            return 0
    return 0


def address(written: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[v6]:port` or `:port` (loopback); Misuse for anything else."""
    host, colon, port = written.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > PORT_MAX:
        raise Misuse(f"--listen {written}", "is not HOST:PORT", f"--listen {LISTEN}")
    return host or "127.0.0.1", int(port)


def free_port(host: str, port: int) -> int:
    """The port that the page can be served on, a free one for 0; raises what `run` would for one that is taken."""
    with _open(host, port, _nothing) as server:
        return server.port


def _nothing(_: Request) -> Response:
    return text(503, "not yet")


def url(host: str, port: int) -> str:
    """The page's address as a browser takes it."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _open(host: str, port: int, answer: Answer) -> Server:
    try:
        return Server(host, port, answer)
    except PermissionError:
        raise Denied(f"listen on {host}:{port}", "CAP_NET_BIND_SERVICE, or a port above 1023") from None
    except OSError as error:
        raise Absent(f"listen on {host}:{port}: {error.strerror}", "choose another with --listen HOST:PORT") from None


def _announce(host: str, port: int, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"version": 1, "url": url(host, port)}), flush=True)
        return
    print(f"forestall: the page is at {url(host, port)} (Ctrl-C ends it)", file=sys.stderr, flush=True)
