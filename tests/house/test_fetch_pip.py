"""scripts/fetch_pip.py against an index of our own: it takes the pinned wheel and nothing else."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.tree import TREE

WHEEL = "pip-99.1-py3-none-any.whl"
BODY = b"not really a wheel, but pinned"
PINNED = hashlib.sha256(BODY).hexdigest()


class Index(HTTPServer):
    """A package index with one page and one file, on a free port of loopback; `body` is what it gives as the wheel."""

    body = BODY
    link_hash = PINNED
    asked: tuple[str, str] | None = None

    @property
    def address(self) -> str:
        """What PIP_INDEX_URL is set to, with a login as private indexes have it."""
        login = "user:p%40ss"
        return f"http://{login}@127.0.0.1:{self.server_port}/simple/"


class Answer(BaseHTTPRequestHandler):
    """The page of pip and, below /files/, the wheel."""

    server: Index

    def do_GET(self) -> None:
        """Answer one request."""
        page = f'<a href="../../files/{WHEEL}#sha256={self.server.link_hash}">{WHEEL}</a>'.encode()
        self.server.asked = (self.path, self.headers.get("Authorization", ""))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(page if self.path == "/simple/pip/" else self.server.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the name is that of the overridden
        """Keep quiet."""


@pytest.fixture
def index() -> Iterator[Index]:
    """A running index."""
    with Index(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def fetch(index: Index, directory: Path, pinned: str = PINNED) -> subprocess.CompletedProcess[str]:
    """Run the script with a lock file that pins `pinned`."""
    lock = directory / "some.lock"
    lock.write_text(f"pip==99.1 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{pinned}\npytest==9.9 \\\n")
    return subprocess.run(
        [sys.executable, str(TREE / "scripts" / "fetch_pip.py"), str(lock), str(directory / "wheels")],
        env={"PATH": os.environ["PATH"], "PIP_INDEX_URL": index.address, "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_pinned_wheel_is_fetched(index: Index, tmp_path: Path) -> None:
    """The wheel whose hash the lock file names lands in the directory, and its path is printed."""
    done = fetch(index, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).read_bytes() == BODY
    assert index.asked == (f"/files/{WHEEL}", "Basic dXNlcjpwQHNz")


def test_another_wheel_is_refused(index: Index, tmp_path: Path) -> None:
    """An index that gives other bytes than it promised is refused, and nothing is left behind."""
    index.body = BODY + b"!"
    done = fetch(index, tmp_path)
    assert done.returncode == 1
    assert "its sha256 differs" in done.stderr
    assert not (tmp_path / "wheels").exists()


def test_a_wheel_that_is_not_pinned_is_not_even_fetched(index: Index, tmp_path: Path) -> None:
    """A page without the pinned hash ends the script before anything else is asked for."""
    index.link_hash = "1" * 64
    done = fetch(index, tmp_path)
    assert done.returncode == 1
    assert "no wheel of pip 99.1 with a pinned hash" in done.stderr
    assert index.asked is not None
    assert index.asked[0] == "/simple/pip/"


def test_what_was_fetched_is_not_fetched_again(index: Index, tmp_path: Path) -> None:
    """The second run finds the wheel where the first left it and asks nobody."""
    fetch(index, tmp_path)
    index.asked = None
    assert fetch(index, tmp_path).returncode == 0
    assert index.asked is None
