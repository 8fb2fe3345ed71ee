"""Requests are read strictly, answers are complete and tell browsers to trust nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.ui.web.http import HEAD_BYTES_MAX, Refused, Request, Response, head_bytes, host_name, parse, text


def test_a_request_is_read() -> None:
    """Method, decoded path, fields and host without its port."""
    raw = b"GET /api/history?target=/a%20b%23%c3%a9&seconds=60&x+y=%2B HTTP/1.1\r\nHost: LocalHost:8787\r\nA: b"
    assert parse(raw) == Request("GET", "/api/history", {"target": "/a b#é", "seconds": "60", "x y": "+"}, "localhost")


def test_odd_escapes_stay_as_they_are() -> None:
    """A percent sign without two digits is a percent sign; what is no UTF-8 is replaced."""
    assert parse(b"GET /%zz%4 HTTP/1.1\r\nHost: a").path == "/%zz%4"
    assert parse(b"GET /%ff HTTP/1.1\r\nHost: a").path == "/�"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"GET /", 400),
        (b"GET / HTTP/2\r\nHost: a", 400),
        (b"GET http://evil/ HTTP/1.1\r\nHost: a", 400),
        (b"GET / HTTP/1.1", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        (b"POST / HTTP/1.1\r\nHost: a", 405),
        (b"get / HTTP/1.1\r\nHost: a", 405),
        (b"GET /" + b"a" * HEAD_BYTES_MAX + b" HTTP/1.1\r\nHost: a", 431),
        (b"GET / HTTP/1.1\r\n" + b"\r\n".join(b"X: y" for _ in range(65)), 431),
        (b"GET /?" + b"&".join(b"a=1" for _ in range(9)) + b" HTTP/1.1\r\nHost: a", 400),
    ],
)
def test_what_is_no_plain_request_is_refused(raw: bytes, status: int) -> None:
    """Each kind of wrong request has its status."""
    with pytest.raises(Refused) as refused:
        parse(raw)
    assert refused.value.status == status


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_request_or_refused(raw: bytes, begun: bool) -> None:
    """Whatever a peer sends, reading it raises nothing but Refused."""
    head = b"GET /" + raw + b" HTTP/1.1\r\nHost: a" if begun else raw
    try:
        request = parse(head)
    except Refused:
        return
    assert request.method in ("GET", "HEAD")


@pytest.mark.parametrize(
    ("address", "expected"),
    [("a:1", "a"), ("A", "a"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("::1", "::1"), ("", "")],
)
def test_ports_and_brackets_are_no_part_of_a_host(address: str, expected: str) -> None:
    """The name alone is compared, in lower case."""
    assert host_name(address) == expected


def test_every_answer_is_safe_and_complete() -> None:
    """Length, type and the headers that forbid foreign scripts, frames and caches are on each answer."""
    head = head_bytes(Response(200, "text/plain", b"abc")).decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert head.endswith("\r\n\r\n")
    for header in ("Content-Length: 3", "Connection: close", "default-src 'none'", "nosniff", "no-store"):
        assert header in head
    assert "unsafe" not in head
    assert "Allow: GET, HEAD" in head_bytes(text(405, "no")).decode()
