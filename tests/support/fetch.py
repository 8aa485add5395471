"""Plain requests to servers on loopback, free of proxies, redirects and hidden headers."""

import gzip
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered.

    Attributes:
        status: The status code.
        headers: The headers, found by name in any case.
        body: The bytes as they came, compressed ones included.
    """

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        """The body, unpacked and decoded."""
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


def fetch(url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", timeout_seconds: float = 10) -> Response:
    """Send one request over a connection of its own."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request(method, target, headers=dict(headers or {}))
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
