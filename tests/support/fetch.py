"""Plain requests to servers on loopback, free of proxies, redirects and hidden headers."""

import gzip
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPSConnection
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


def fetch(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    timeout_seconds: float = 10,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """Send one request over a connection of its own, over TLS when a context is given."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if tls is None:
        connection = HTTPConnection(host, parts.port, timeout=timeout_seconds)
    else:
        connection = HTTPSConnection(host, parts.port, timeout=timeout_seconds, context=tls)
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
