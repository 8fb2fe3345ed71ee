"""Sockets of the page: at most 16 connections, each with deadlines, one request each; what is over is told to wait."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from forestall.ui.web.http import HEAD_BYTES_MAX, Refused, Request, Response, head_bytes, parse, text

CONNECTIONS_MAX: Final = 16
HEAD_SECONDS: Final = 3.0
"""For a whole request, in however many pieces it comes: a client that drips gives its place back."""
SEND_SECONDS: Final = 5.0
STACK_BYTES: Final = 256 * 1024
Answer = Callable[[Request], Response]


class Server(socketserver.ThreadingTCPServer):
    """Serves `answer` at an address until shutdown()."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.answer = answer
        self.free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__((host, port), _Connection)

    @property
    def port(self) -> int:
        """The port that is listened on, where 0 was asked for."""
        number: int = self.socket.getsockname()[1]
        return number

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Give the connection a thread, or an answer that all are taken."""
        assert isinstance(request, socket.socket)
        if not self.free.acquire(blocking=False):
            _send(request, text(503, "too many connections, try again"), with_body=True)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Serve it and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()


class _Connection(socketserver.BaseRequestHandler):
    """One request and its answer."""

    server: Server

    def handle(self) -> None:
        try:
            head = _receive(self.request)
        except OSError:
            return  # gone or too slow: there is nobody to answer
        if not head:
            return
        with_body = not head.startswith(b"HEAD ")
        _send(self.request, self._answer(head), with_body)

    def _answer(self, head: bytes) -> Response:
        try:
            return self.server.answer(parse(head))
        except Refused as refused:
            return text(refused.status, str(refused))


def _receive(connection: socket.socket) -> bytes:
    """The request up to its empty line; nothing if there is none within the bounds."""
    deadline = threading.Timer(HEAD_SECONDS, _stop_receiving, (connection,))
    deadline.daemon = True
    deadline.start()
    try:
        received = b""
        while b"\r\n\r\n" not in received and len(received) <= HEAD_BYTES_MAX:
            piece = connection.recv(HEAD_BYTES_MAX)
            if not piece:
                break
            received += piece
    finally:
        deadline.cancel()
    head, end, _ = received.partition(b"\r\n\r\n")
    return head if end or len(received) > HEAD_BYTES_MAX else b""


def _stop_receiving(connection: socket.socket) -> None:
    """End the wait of whoever reads from the connection."""
    with suppress(OSError):  # it has been closed in the meantime
        connection.shutdown(socket.SHUT_RD)


def _send(connection: socket.socket, response: Response, with_body: bool) -> None:
    connection.settimeout(SEND_SECONDS)
    try:
        connection.sendall(head_bytes(response) + (response.body if with_body else b""))
    except OSError:
        return  # the reader left
