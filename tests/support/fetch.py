"""Plain requests to servers on loopback, free of proxies, redirects and hidden headers."""

import gzip
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


def fetch(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    body: bytes | None = None,
    timeout_seconds: float = 10,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """Send one request over a connection of its own, over TLS when a context is given."""
    parts = urlsplit(url)
    made = partial(HTTPSConnection, context=tls) if tls else HTTPConnection
    with closing(made(parts.hostname or "", parts.port, timeout=timeout_seconds)) as connection:
        connection.request(method, urlunsplit(("", "", parts.path or "/", parts.query, "")), body, dict(headers or {}))
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
