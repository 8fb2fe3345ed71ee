"""The part of HTTP/1.1 that a read-only page needs (RFC 9112): one GET or HEAD per connection, as plain values.

The standard library's http.server would cost 8 MiB of the page's 16, and urllib.parse, html 1 more (measured).
"""

from __future__ import annotations

from typing import Final, NamedTuple

HEAD_BYTES_MAX: Final = 8192
HEADERS_MAX: Final = 64
FIELDS_MAX: Final = 8
HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
SECURITY: Final = (
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
"""On every answer. Names of services are text from elsewhere: even if one got through, no script of it would run."""


class Request(NamedTuple):
    """What was asked. `host` is the Host header without its port, lower case; `query` holds the last of each name."""

    method: str
    path: str
    query: dict[str, str]
    host: str


class Response(NamedTuple):
    """What is answered."""

    status: int
    content_type: str
    body: bytes


class Refused(Exception):
    """A request that cannot be served; `status` is the answer's code."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def parse(head: bytes) -> Request:
    """The request of the bytes up to and with the empty line; raises Refused for anything that is not a plain one."""
    if len(head) > HEAD_BYTES_MAX:
        raise Refused(431, "the request is too long")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise Refused(400, "not a request of HTTP/1")
    if words[0] not in ("GET", "HEAD"):
        raise Refused(405, "this page is read-only: GET and HEAD")
    path, _, query = words[1].partition("?")
    return Request(words[0], _decoded(path), _fields(query), _host(lines[1:]))


def text(status: int, words: str) -> Response:
    """A short answer in words."""
    return Response(status, "text/plain; charset=utf-8", f"{words}\n".encode())


def head_bytes(response: Response) -> bytes:
    """The status line and headers, the empty line with them."""
    headers = (
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        ("Connection", "close"),
        *SECURITY,
        *((("Allow", "GET, HEAD"),) if response.status == 405 else ()),
    )
    lines = [f"HTTP/1.1 {response.status} {REASONS[response.status]}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _fields(query: str) -> dict[str, str]:
    """The fields of a form (WHATWG URL, 5.1): `a=1&b=2`, a plus is a space."""
    pieces = [piece.partition("=") for piece in query.split("&") if piece]
    if len(pieces) > FIELDS_MAX:
        raise Refused(400, "too many fields")
    return {_decoded(name.replace("+", " ")): _decoded(value.replace("+", " ")) for name, _, value in pieces}


def _decoded(text: str) -> str:
    """The text without its %XX (RFC 3986, 2.1); what is no UTF-8 becomes a replacement character."""
    first, *pieces = text.encode("latin-1").split(b"%")
    parts = [first, *(_byte(piece) for piece in pieces)]
    return b"".join(parts).decode("utf-8", "replace")


def _byte(piece: bytes) -> bytes:
    digits = piece[:2]
    if len(digits) < 2 or not all(digit in HEX_DIGITS for digit in digits):
        return b"%" + piece
    return bytes((int(digits, 16),)) + piece[2:]


def _host(headers: list[str]) -> str:
    if len(headers) > HEADERS_MAX:
        raise Refused(431, "too many headers")
    found = [line.partition(":")[2].strip() for line in headers if line.lower().startswith("host:")]
    if len(found) != 1:
        raise Refused(400, "exactly one Host header is needed")
    return host_name(found[0])


def host_name(address: str) -> str:
    """The host of `host:port`, `[::1]:port` or a host alone, lower case, without brackets."""
    if address.startswith("["):
        return address[1:].partition("]")[0].lower()
    return address.rsplit(":", 1)[0].lower() if address.count(":") == 1 else address.lower()
