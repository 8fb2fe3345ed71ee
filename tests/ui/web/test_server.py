"""The sockets hold their bounds against slow, silent, numerous and rude clients."""

from __future__ import annotations

import http.client
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from forestall.ui.web import server
from forestall.ui.web.http import Request, Response
from forestall.ui.web.server import CONNECTIONS_MAX, Server


def echo(request: Request) -> Response:
    """Answers with the path; `/slow` waits."""
    if request.path == "/slow":
        time.sleep(0.3)
    return Response(200, "text/plain", request.path.encode())


@pytest.fixture
def port() -> Iterator[int]:
    """A server of `echo` on a free port of loopback."""
    with Server("127.0.0.1", 0, echo) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()
        yield serving.port
        serving.shutdown()
        thread.join()


def ask(port: int, method: str, path: str) -> tuple[int, bytes]:
    """Status and body of one request by the standard library's client."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def connect(port: int) -> socket.socket:
    """An open connection that has said nothing yet."""
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def test_a_get_has_a_body_and_a_head_has_none(port: int) -> None:
    """Real clients understand the answers, HEAD with the headers alone."""
    assert ask(port, "GET", "/a") == (200, b"/a")
    assert ask(port, "HEAD", "/a") == (200, b"")
    assert ask(port, "POST", "/a")[0] == 405


def test_a_request_may_come_in_pieces(port: int) -> None:
    """Two packets are one request."""
    with connect(port) as client:
        client.sendall(b"GET /two HTTP/1.1\r\nHo")
        time.sleep(0.05)
        client.sendall(b"st: a\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_request_without_end_is_refused(port: int) -> None:
    """More bytes than a request may have are answered with 431, not kept."""
    with connect(port) as client:
        client.sendall(b"GET /" + b"a" * 20_000)
        assert client.recv(65536).startswith(b"HTTP/1.1 431")


def test_what_is_no_request_is_answered(port: int) -> None:
    """Bytes that are no HTTP get a 400."""
    with connect(port) as client:
        client.sendall(b"\x16\x03\x01\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 400")


def test_a_silent_client_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing, or drips for longer than a whole request may take, is closed without an answer."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    with connect(port) as silent, connect(port) as dripping:
        began = time.monotonic()
        with suppress(ConnectionError):
            while not select.select([dripping], [], [], 0.02)[0]:
                dripping.sendall(b"G")
                assert time.monotonic() - began < 5.0
        assert silent.recv(10) == b""
        assert 0.1 < time.monotonic() - began < 2.0


def test_dripping_clients_lock_nobody_out_for_long(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When all places are held by clients that drip, the next is served as soon as their one deadline is over."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_MAX + 4):
            stack.enter_context(connect(port)).sendall(b"G")
        began = time.monotonic()
        while ask(port, "GET", "/a")[0] != 200:
            assert time.monotonic() - began < 5.0
            time.sleep(0.02)


def test_one_too_many_is_told_to_come_again(port: int) -> None:
    """The seventeenth connection is answered 503 at once, and served when another has gone."""
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            stack.enter_context(connect(port))
        deadline = time.monotonic() + 5
        while ask(port, "GET", "/a")[0] != 503:
            assert time.monotonic() < deadline
    while ask(port, "GET", "/a")[0] != 200:
        assert time.monotonic() < deadline


def test_a_client_that_leaves_hurts_nobody(port: int) -> None:
    """Closing before the answer costs the server nothing."""
    with connect(port) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    assert ask(port, "GET", "/b") == (200, b"/b")


def test_version_six_addresses_are_listened_on() -> None:
    """An address with colons opens a socket of version 6."""
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")
    try:
        serving = Server("::1", 0, echo)
    except OSError as error:
        pytest.skip(f"needs IPv6: {error}")
    with serving:
        assert serving.address_family == socket.AF_INET6
        assert serving.port > 0
